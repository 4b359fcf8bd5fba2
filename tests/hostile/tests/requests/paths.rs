//! Paths and keys that would leave their place.

use std::path::Path;

use skyport_core::provider::{Provider, ResourceUrl};
use skyport_hostile::{OUTSIDE, Raw, Stage};
use skyport_local::{Local, LocalConfig};

fn request(method: &str, target: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What stands in a path, and what its handler is given; `None` where that is a 400.
const DECODED: [(&str, Option<&str>); 20] = [
    ("plain", Some("plain")),
    ("..", Some("..")),
    ("%2e%2e", Some("..")),
    ("%2E%2e", Some("..")),
    (".%2e", Some("..")),
    // Once, and once only.
    ("%252e%252e", Some("%2e%2e")),
    ("%25252e", Some("%252e")),
    ("a%2fb", Some("a/b")),
    ("a%252fb", Some("a%2fb")),
    ("a%5cb", Some("a\\b")),
    ("a%00b", Some("a\0b")),
    ("a%0d%0ab", Some("a\r\nb")),
    ("a+b", Some("a+b")),
    ("a%2bb", Some("a+b")),
    ("a%", Some("a%")),
    ("%zz", Some("%zz")),
    // UTF-8 that is longer than it has to be, half a letter, and half of a pair.
    ("%c0%ae%c0%ae", None),
    ("%e0%80%af", None),
    ("%ff", None),
    ("%ed%a0%80", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_decoded_once_and_never_tidied_up() {
    for stage in Stage::each().await {
        for route in ["/one/", "/rest/"] {
            for (sent, given) in DECODED {
                let said = Raw::exchange(stage.address, request("GET", &format!("{route}{sent}"), "")).await;
                let shown = format!("{}: {route}{sent}: {}", stage.name, said.text());
                match given {
                    Some(given) => {
                        assert_eq!(
                            (said.statuses(), said.body()),
                            (vec![200], format!("{given:?}")),
                            "{shown}"
                        );
                    }
                    None => assert_eq!(said.statuses(), [400], "{shown}"),
                }
            }
        }
        // A segment is never left, and a route never reached by way of another.
        for target in
            ["/one/../rest/a", "/one/a/../../rest/a", "/one//a", "//one/a", "/one/a/", "/%6fne/a", "/ONE/a"]
        {
            let said = Raw::exchange(stage.address, request("GET", target, "")).await;
            assert_eq!(said.statuses(), [404], "{}: {target}: {}", stage.name, said.text());
        }
        let said = Raw::exchange(stage.address, request("GET", "/rest/../one/a", "")).await;
        assert_eq!(said.body(), "\"../one/a\"", "{}", stage.name);
        stage.stop().await;
    }
}

/// Keys that no bucket takes.
const NEVER: [&str; 26] = [
    "..",
    ".",
    "../outside.txt",
    "../../outside.txt",
    "../../../../../../../../etc/passwd",
    "a/../../outside.txt",
    "a/..",
    "a/./b",
    "%2e%2e/outside.txt",
    "%2e%2e%2foutside.txt",
    "..%2f..%2foutside.txt",
    "..%5coutside.txt",
    "%5c%5cserver%5cshare",
    "C:%5cWindows%5cwin.ini",
    "%2fetc%2fpasswd",
    "a//b",
    "a/",
    "/a",
    "a%00",
    "outside.txt%00.jpg",
    "a%0ab",
    "a%c2%80",
    "a.",
    "...",
    "....//outside.txt",
    "%c0%ae%c0%ae/outside.txt",
];

/// Keys that look as if they were something else: each is the name of an object, and nothing more.
const ODD: [&str; 14] = [
    "CON",
    "nul",
    "LPT1.txt",
    "C:",
    "~",
    "~root",
    "$HOME",
    "%252e%252e",
    "%252e%252e%252foutside.txt",
    "skyport.db",
    "signing.key",
    "blobs",
    "tmp",
    "*",
];

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.push(entry.display().to_string());
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_leaves_its_bucket() {
    let mut tried = 0;
    for stage in Stage::each().await {
        for key in NEVER {
            tried += 1;
            let target = format!("/files/{key}");
            let said = Raw::exchange(stage.address, request("PUT", &target, "planted")).await;
            assert_eq!(said.statuses(), [400], "{}: {key}: {}", stage.name, said.text());
            for method in ["GET", "DELETE"] {
                let said = Raw::exchange(stage.address, request(method, &target, "")).await;
                assert!(matches!(said.statuses()[..], [204 | 400 | 404]), "{method} {key}: {}", said.text());
                assert!(!said.text().contains(OUTSIDE), "{key}");
            }
        }
        for key in ODD {
            tried += 1;
            let target = format!("/files/{key}");
            let get = || async { Raw::exchange(stage.address, request("GET", &target, "")).await };
            assert_eq!(get().await.statuses(), [404], "{}: {key} is somebody's file", stage.name);
            let said = Raw::exchange(stage.address, request("PUT", &target, key)).await;
            assert_eq!(said.statuses(), [201], "{}: {key}: {}", stage.name, said.text());
            assert_eq!(get().await.body(), key);
        }
        let listed = stage.files.list().collect(100).await.expect("a listing");
        assert_eq!(listed.len(), ODD.len(), "{}", stage.name);
        // Nothing came to lie beside the data, and what lay there is as it was.
        let outside = stage.folder().join("outside.txt");
        let beside: Vec<String> =
            files(stage.folder()).into_iter().filter(|file| !file.contains("/data/")).collect();
        assert_eq!(beside, [outside.display().to_string()]);
        assert_eq!(std::fs::read_to_string(outside).expect("there still"), OUTSIDE);
        // And no file is named after a key.
        let named = |file: &String| {
            let inside = file.strip_prefix(&*stage.folder().to_string_lossy()).expect("below the folder");
            inside.contains("CON") || inside.contains("LPT1")
        };
        assert!(!files(stage.folder()).iter().any(named));
        stage.stop().await;
    }
    skyport_figures::record(
        "hostile::paths",
        &format!("{} paths and {tried} keys that would leave their place", 3 * 2 * DECODED.len()),
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_collects_garbage_follows_no_symbolic_link() {
    use std::os::unix::fs::symlink;

    let stage = Stage::server().await;
    stage.files.put("kept", "kept").await.expect("stored");
    let (data, elsewhere) = (stage.folder().join("data"), stage.folder().join("elsewhere"));
    std::fs::create_dir(&elsewhere).expect("a folder");
    let name = "0".repeat(32);
    std::fs::write(elsewhere.join(&name), OUTSIDE).expect("a file");
    symlink(&elsewhere, data.join("blobs/zz")).expect("a link");
    symlink(elsewhere.join(&name), data.join("tmp").join(&name)).expect("a link");
    // All that nothing refers to, however young it is.
    let local = Local::new(LocalConfig::new(&data));
    let bucket = local.bucket(&ResourceUrl::new("local", "files")).expect("opens");
    assert!(bucket.head("kept").await.is_ok());
    local.collect_garbage(std::time::Duration::ZERO).await.expect("collected");
    assert_eq!(std::fs::read_to_string(elsewhere.join(&name)).expect("there still"), OUTSIDE);
    assert_eq!(stage.files.get("kept").text().await.expect("there still"), "kept");
    stage.stop().await;
}
