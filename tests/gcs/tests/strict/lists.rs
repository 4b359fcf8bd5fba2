//! Lists: their order, their folders and their pages.

use crate::client::{ask, put, server};

/// Everything that a list tells, over all of its pages.
fn told(server: &skyport_gcs::Server, query: &str) -> (Vec<String>, Vec<String>) {
    let (mut items, mut prefixes) = (Vec::new(), Vec::new());
    let mut token = String::new();
    loop {
        let page = ask(server, &format!("GET /storage/v1/b/bkt/o?{query}{token}"), &[], b"").json();
        let names = page["items"].as_array().cloned().unwrap_or_default();
        items.extend(names.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let found = page["prefixes"].as_array().cloned().unwrap_or_default();
        prefixes.extend(found.iter().map(|prefix| prefix.as_str().unwrap().to_owned()));
        match page["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => return (items, prefixes),
        }
    }
}

#[test]
fn names_come_in_the_order_of_their_bytes_and_each_folder_once_whatever_the_page() {
    let server = server();
    let names =
        ["a", "a%2Fb%2F1", "a%2Fb%2F2", "a%2Fc", "a%21", "t-%2Fx", "t%2Fx", "%E2%98%BA", "%F0%9F%98%80", "Z"];
    for name in names {
        put(&server, name, b"x", "");
    }
    for size in 1..=12 {
        let of = |query: &str| told(&server, &format!("maxResults={size}{query}"));
        assert_eq!(of("").0, ["Z", "a", "a!", "a/b/1", "a/b/2", "a/c", "t-/x", "t/x", "☺", "😀"], "{size}");
        let (items, prefixes) = of("&delimiter=/");
        assert_eq!(items, ["Z", "a", "a!", "☺", "😀"], "{size}");
        assert_eq!(prefixes, ["a/", "t-/", "t/"], "{size}");
        let (items, prefixes) = of("&delimiter=/&prefix=a/");
        assert_eq!((items, prefixes), (vec!["a/c".to_owned()], vec!["a/b/".to_owned()]), "{size}");
        assert_eq!(of("&startOffset=a/b/2&endOffset=t/x").0, ["a/b/2", "a/c", "t-/x"], "{size}");
        assert_eq!(of("&prefix=nothing"), (vec![], vec![]), "{size}");
    }
}

#[test]
fn a_token_that_is_none_is_refused() {
    let server = server();
    for query in ["pageToken=nonsense", "pageToken=e30=", "maxResults=0", "maxResults=-1", "versions=perhaps"]
    {
        let refused = ask(&server, &format!("GET /storage/v1/b/bkt/o?{query}"), &[], b"");
        assert_eq!((refused.status, refused.reason().as_str()), (400, "invalid"), "{query}");
    }
    assert_eq!(ask(&server, "GET /storage/v1/b/none/o", &[], b"").reason(), "notFound");
}
