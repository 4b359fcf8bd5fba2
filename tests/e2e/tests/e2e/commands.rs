//! What a program does at the start: commands, and settings that are wrong.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use serde_json::Value;
use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Finished, Http, within};

const LIMIT: Duration = Duration::from_secs(60);

async fn command(data: &Data, words: &str) -> Finished {
    Example::new("photos").data(data.path()).variable("SKYPORT_COMMAND", words).run().await
}

#[tokio::test]
async fn the_manifest_is_printed_as_json() {
    within(LIMIT, async {
        let data = Data::new();
        let printed = command(&data, "manifest").await.assert_code(0);
        let manifest: Value = serde_json::from_str(&printed.stdout).expect("JSON");
        assert_eq!(manifest["application"], "photos");
        let functions = manifest["functions"].as_array().expect("a list");
        let names: Vec<&str> = functions.iter().filter_map(|function| function["name"].as_str()).collect();
        let all = [
            "upload",
            "photo",
            "delete",
            "list",
            "thumbnail",
            "share",
            "added",
            "removed",
            "resize",
            "sweep",
        ];
        assert_eq!(names, all);
        let triggers = |kind: &str| functions.iter().filter(|f| f["trigger"]["type"] == kind).count();
        assert_eq!(["http", "blob", "queue", "schedule"].map(triggers), [6, 2, 1, 1]);
        assert_eq!(manifest["resources"].as_array().map(Vec::len), Some(4));
        let made = std::fs::read_dir(data.path()).expect("the folder").count();
        assert_eq!(made, 0, "printing makes nothing");
    })
    .await;
}

#[tokio::test]
async fn a_schedule_is_fired_by_hand() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        Http::new().put(&server.url("/photos/a.jpg"), jpeg_of(1)).await.assert_status(201);
        // A thumbnail whose original was never there: what the sweep is for.
        data.open().bucket("photos-thumbnails").put("orphan.jpg", "x").await.expect("stored");
        server.stop().await;
        command(&data, "fire sweep").await.assert_code(0);
        let open = data.open();
        assert!(!open.bucket("photos-thumbnails").exists("orphan.jpg").await.expect("an answer"));
        assert!(open.bucket("photos-originals").exists("a.jpg").await.expect("an answer"));

        let refused = command(&data, "fire nosuch").await.assert_code(1);
        assert!(refused.stderr.contains("nosuch") && refused.stderr.contains("sweep"), "{}", refused.stderr);
        let refused = command(&data, "dance").await.assert_code(1);
        assert!(refused.stderr.contains("SKYPORT_COMMAND"), "{}", refused.stderr);
    })
    .await;
}

#[tokio::test]
async fn settings_that_are_wrong_are_named() {
    within(LIMIT, async {
        let data = Data::new();
        for (variable, value, named) in [
            ("SKYPORT_ORIGINALS", "nosuch://originals", ["originals", "nosuch"]),
            ("SKYPORT_ORIGINALS", "local://originals?colour=red", ["originals", "colour"]),
            ("SKYPORT_ORIGINALS", "somewhere", ["SKYPORT_ORIGINALS", "scheme://"]),
            ("SKYPORT_PROVIDER", "nosuch", ["nosuch", "local"]),
            ("PORT", "eighty", ["PORT", "eighty"]),
            ("HOST", "not an address", ["HOST", "not an address"]),
            ("SKYPORT_DEADLINE", "soon", ["SKYPORT_DEADLINE", "soon"]),
        ] {
            let example = Example::new("photos").data(data.path()).variable(variable, value);
            let refused = example.run().await.assert_code(1);
            for part in named {
                assert!(refused.stderr.contains(part), "{variable}={value}: {}", refused.stderr);
            }
            assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        }
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_to_do() {
    within(LIMIT, async {
        let data = Data::new();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let refused = Example::new("hello").data(data.path()).variable("PORT", &port).run().await;
        let refused = refused.assert_code(1);
        assert!(refused.stderr.contains(&port) && refused.stderr.contains("PORT="), "{}", refused.stderr);
    })
    .await;
}

#[tokio::test]
async fn hello_greets() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("hello").data(data.path()).start().await;
        let answer = Http::new().get(&server.url("/hello/Ada")).await.assert_status(200);
        assert_eq!(answer.text(), "Hello, Ada!\n");
        server.stop().await;
    })
    .await;
}
