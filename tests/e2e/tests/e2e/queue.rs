//! Messages that nobody can read do not hold up those that come after them.

use std::time::Duration;

use serde_json::Value;
use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Http, until, within};

#[tokio::test]
async fn malformed_messages_are_dead_letters_and_their_neighbours_are_worked_off() {
    within(Duration::from_secs(60), async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let open = data.open();
        let bad = ["{not json", "{\"name\": 7}", "", "\u{0}\u{1}", "[]"];
        for (number, body) in (0..).zip(bad) {
            open.send_foreign("photos-resize", body).await;
            let url = server.url(&format!("/photos/{number}.jpg"));
            client.put(&url, jpeg_of(number)).await.assert_status(201);
        }
        until("every photo is ready, and the queue empty", Duration::from_secs(30), async || {
            let photos: Vec<Value> = client.get(&server.url("/photos")).await.assert_status(200).json();
            photos.len() == bad.len()
                && photos.iter().all(|photo| photo["state"] == "ready")
                && open.waiting("photos-resize").await.expect("a depth") == 0
        })
        .await;
        server.stop().await;

        let dead = open.take_dead_letters("photos-resize").await.expect("dead letters");
        let mut bodies: Vec<&[u8]> = dead.iter().map(|letter| &letter.body()[..]).collect();
        bodies.sort_unstable();
        let mut expected = bad.map(str::as_bytes);
        expected.sort_unstable();
        assert_eq!(bodies, expected);
        for letter in &dead {
            assert!(letter.reason().is_some_and(|reason| !reason.is_empty()), "{letter:?}");
        }
    })
    .await;
}
