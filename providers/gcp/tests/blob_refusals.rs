//! What Cloud Storage does seldom, or another server in its place, as a script: refusals, lies, other hosts, silence.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Response};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    ByteRange, CopyOptions, DeleteOptions, Etag, GetOptions, GetResult, ListOptions, PutOptions,
};
use skyport_core::layers::{Layer, Retry};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Token};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use stub::{answer, bucket, download, open, refusal, resource};

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "stub/http.rs"]
mod stub;

/// One attempt, within a second.
fn impatient() -> Retry {
    let mut policy = RetryPolicy::once();
    (policy.attempt_timeout, policy.total_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
    Retry::new(policy)
}

#[tokio::test]
async fn a_small_read_or_write_is_one_request() {
    let token = Token::new().to_string();
    let (store, log) = bucket(move |asked, _| match asked.method {
        Method::POST => resource("7", "3", &token),
        Method::DELETE => answer(204, ""),
        _ if asked.target.starts_with("/bkt/k") => {
            download("7", &token, "abc").body(Bytes::from_static(b"abc")).unwrap()
        }
        _ if asked.target.contains("/o?") => answer(200, "{}"),
        _ => resource("7", "3", &token),
    })
    .await;
    store.put("k", Bytes::from_static(b"abc"), PutOptions::default()).await.expect("put");
    assert_eq!(Bucket::new(store.clone()).get("k").bytes().await.expect("get"), "abc");
    store.head("k").await.expect("head");
    store.delete("k", DeleteOptions::default()).await.expect("deleted");
    let mut options = ListOptions::default();
    options.page_size = 10;
    store.list(options).await.expect("a page");
    let asked = log.all();
    let methods: Vec<Method> = asked.iter().map(|asked| asked.method.clone()).collect();
    assert_eq!(methods, [Method::POST, Method::GET, Method::GET, Method::DELETE, Method::GET]);
    assert_eq!(asked[1].header("accept-encoding"), "gzip", "else it is decoded on the way");
    assert_eq!(asked[0].header("content-length"), asked[0].body.len().to_string());
    assert!(!asked[0].headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn a_missing_object_is_told_from_a_missing_bucket_by_asking() {
    for (of_bucket, kind, key) in [
        (answer(200, "{}"), ErrorKind::NotFound, Some("k")),
        // Whoever may not ask for the bucket has it.
        (refusal(403, "forbidden"), ErrorKind::NotFound, Some("k")),
        (refusal(404, "notFound"), ErrorKind::NotFound, None),
        // Nobody says: then nobody knows.
        (refusal(503, "backendError"), ErrorKind::Unavailable, None),
    ] {
        let (store, log) = bucket(move |asked, _| {
            if asked.target.starts_with("/storage/v1/b/bkt?") {
                of_bucket.clone()
            } else {
                answer(404, "Not Found")
            }
        })
        .await;
        for error in [
            store.head("k").await.map(drop).expect_err("nothing is there"),
            store.get("k", GetOptions::default()).await.map(drop).expect_err("nothing is there"),
        ] {
            assert_eq!((error.kind(), error.key()), (kind, key), "{error}");
        }
        assert_eq!(log.all().len(), 4);
    }
}

#[tokio::test]
async fn a_conditional_deletion_compares_and_a_missing_object_differs_from_any() {
    let mut options = DeleteOptions::default();
    options.if_match = Some(Etag::new("7"));
    for (refused, bucket_is_there) in [(412, true), (404, true), (404, false)] {
        let (store, log) = bucket(move |asked, _| match asked.method {
            Method::DELETE => answer(refused, ""),
            _ if bucket_is_there => answer(200, "{}"),
            _ => answer(404, ""),
        })
        .await;
        let error = store.delete("k", options.clone()).await.expect_err("refused");
        let expected = if bucket_is_there { ErrorKind::PreconditionFailed } else { ErrorKind::NotFound };
        assert_eq!((error.kind(), error.key()), (expected, None));
        assert!(log.lines()[0].ends_with("/o/k?ifGenerationMatch=7"), "{:?}", log.lines());
    }
}

#[tokio::test]
async fn refusals_have_the_kind_of_their_reason_and_are_one_line() {
    for (refused, kind, retryable, ambiguous) in [
        (refusal(403, "forbidden"), ErrorKind::PermissionDenied, false, false),
        // Some of them come as a 403.
        (refusal(403, "rateLimitExceeded"), ErrorKind::Throttled, true, false),
        (refusal(429, "rateLimitExceeded"), ErrorKind::Throttled, true, false),
        (refusal(409, "conflict"), ErrorKind::Conflict, true, false),
        (refusal(503, "backendError"), ErrorKind::Unavailable, true, true),
        (answer(502, "<html>\nsecret\n</html>"), ErrorKind::Unavailable, true, true),
        (answer(401, ""), ErrorKind::Unauthenticated, false, false),
        (refusal(413, "uploadTooLarge"), ErrorKind::TooLarge, false, false),
    ] {
        let (store, _) = bucket(move |_, _| refused.clone()).await;
        let error = store.put("k", Bytes::new(), PutOptions::default()).await.expect_err("refused");
        let told = (error.kind(), error.is_retryable(), error.is_ambiguous());
        assert_eq!(told, (kind, retryable, ambiguous), "{error}");
        assert!(!error.to_string().contains("secret") && !format!("{error:?}").contains("secret"));
    }
    let (store, _) = bucket(|_, _| {
        let mut refused = refusal(429, "rateLimitExceeded");
        refused.headers_mut().insert("retry-after", "3".parse().unwrap());
        refused
    })
    .await;
    let error = store.head("k").await.expect_err("too fast");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn a_session_at_another_host_gets_no_bytes_and_its_address_is_shown_by_nothing() {
    let (other, seen) = bucket(|_, _| answer(200, "{}")).await;
    drop(other);
    for location in [
        "http://127.0.0.2:1/upload/storage/v1/b/bkt/o?upload_id=the-secret",
        "https://127.0.0.1:1/upload?upload_id=the-secret",
        "/upload?upload_id=the-secret",
        "",
    ] {
        let (store, log) =
            bucket(move |_, _| Response::builder().header("location", location).body(Bytes::new()).unwrap())
                .await;
        let error = store.start_upload("k", PutOptions::default()).await.map(drop).expect_err(location);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        for shown in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
            assert!(!shown.contains("the-secret"), "{shown}");
        }
        assert_eq!(log.all().len(), 1);
    }
    assert!(seen.all().is_empty());
}

/// A server whose sessions are at an address that is a secret.
fn session(url: &str) -> Response<Bytes> {
    let location = format!("{url}/upload/storage/v1/b/bkt/o?upload_id=the-secret");
    Response::builder().header("location", location).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn no_error_of_an_upload_shows_the_address_of_its_session() {
    let (store, log) = bucket(|asked, url| match asked.method {
        Method::POST => session(url),
        Method::DELETE => answer(499, ""),
        _ => refusal(503, "backendError"),
    })
    .await;
    let upload = store.start_upload("k", PutOptions::default()).await.expect("an upload");
    upload.put_part(0, Bytes::from_static(b"abc")).await.expect("it waits");
    let error = upload.complete(1).await.expect_err("down");
    for shown in [format!("{upload:?}"), format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!shown.contains("the-secret"), "{shown}");
    }
    upload.abort().await.expect("499 is how a session ends");
    let asked = log.all();
    assert!(asked.iter().all(|asked| !asked.headers.contains_key("authorization")));
    assert_eq!(asked[1].header("content-range"), "bytes 0-2/3");
}

#[tokio::test]
async fn a_session_that_lies_about_what_it_kept_is_given_up() {
    for range in ["bytes=0-99999999999", "bytes=0-18446744073709551615", "bytes=5-6", "nonsense", "bytes=0-1"]
    {
        let (store, _) = bucket(move |asked, url| match asked.method {
            Method::POST => session(url),
            Method::DELETE => answer(204, ""),
            _ if asked.header("content-range") == "bytes */*" => {
                Response::builder().status(308).body(Bytes::new()).unwrap()
            }
            _ => Response::builder().status(308).header("range", range).body(Bytes::new()).unwrap(),
        })
        .await;
        let upload = store.start_upload("k", PutOptions::default()).await.expect("an upload");
        upload.put_part(0, Bytes::from_static(b"abc")).await.expect("it waits");
        let error = tokio::time::timeout(Duration::from_secs(20), upload.complete(1)).await;
        let error = error.expect("an end").expect_err(range);
        assert!(
            [ErrorKind::Malformed, ErrorKind::Conflict, ErrorKind::Unavailable].contains(&error.kind()),
            "{range}: {error}"
        );
    }
}

#[tokio::test]
async fn downloads_that_are_not_what_was_asked_for_are_refused() {
    let token = Token::new().to_string();
    let lies: [fn(http::response::Builder) -> http::response::Builder; 5] = [
        |answer| answer.header("content-range", "bytes 0-1/10"),
        |answer| answer.header("content-range", "bytes 2-4/99999999999999999999"),
        |answer| answer.header("content-range", "bytes 4-2/10"),
        // It knows nothing of ranges.
        |answer| answer,
        |answer| answer.header("content-range", "bytes 2-4/10").header("x-goog-generation", "none"),
    ];
    for (at, lie) in lies.into_iter().enumerate() {
        let token = token.clone();
        let (store, _) = bucket(move |_, _| {
            let generation = if at == 4 { "0" } else { "7" };
            lie(download(generation, &token, "abc")).status(206).body(Bytes::from_static(b"abc")).unwrap()
        })
        .await;
        let mut options = GetOptions::default();
        options.range = ByteRange::From(2, Some(5));
        let error = store.get("k", options).await.map(drop).expect_err("a lie");
        assert!(matches!(error.kind(), ErrorKind::Malformed), "{at}: {error}");
    }
}

#[tokio::test]
async fn answers_without_an_end_are_not_read_to_it() {
    let (store, _) = bucket(|asked, _| {
        let endless = vec![b' '; 20 << 20];
        if asked.target.contains("refuse") { answer(500, endless) } else { answer(200, endless) }
    })
    .await;
    let error = store.head("k").await.map(drop).expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let error = store.head("refuse").await.map(drop).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for (generation, size) in
        [("-7", "3"), ("7", "-3"), ("0", "3"), ("7", "18446744073709551616"), ("x", "y")]
    {
        let (store, _) = bucket(move |_, _| resource(generation, size, "")).await;
        assert_eq!(store.head("k").await.map(drop).expect_err(size).kind(), ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn a_listing_with_more_than_was_asked_for_is_refused() {
    let (store, _) = bucket(|_, _| {
        let prefixes: Vec<String> = (0..5_000).map(|number| format!("{number}/")).collect();
        answer(200, serde_json::json!({ "prefixes": prefixes }).to_string())
    })
    .await;
    let mut options = ListOptions::default();
    options.page_size = 10;
    assert_eq!(store.list(options).await.expect_err("too many").kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_page_with_nothing_on_it_is_followed_to_the_next() {
    let item = serde_json::json!({ "name": "k", "generation": "7", "size": "3", "timeCreated": "2026-11-26T13:03:16Z" });
    let (store, log) = bucket(move |asked, _| {
        let page = if asked.target.contains("pageToken=next") {
            serde_json::json!({ "items": [item] })
        } else {
            serde_json::json!({ "nextPageToken": "next" })
        };
        answer(200, page.to_string())
    })
    .await;
    let mut options = ListOptions::default();
    options.page_size = 10;
    let page = store.list(options).await.expect("a page");
    assert_eq!((page.entries.len(), page.next, log.all().len()), (1, None, 2));
}

#[tokio::test]
async fn an_object_that_others_wrote_is_told_as_the_json_api_tells_it() {
    let (store, log) = bucket(|asked, _| {
        if asked.target.starts_with("/bkt/") {
            let answer = download("7", "no token", "abc").header("x-goog-meta-camera", "=?UTF-8?Q?x?=");
            return answer.body(Bytes::from_static(b"abc")).unwrap();
        }
        let text = serde_json::json!({
            "generation": "7", "size": "3", "timeCreated": "2026-11-26T13:03:16Z", "metadata": { "Camera": "schön%41" },
        });
        answer(200, text.to_string())
    })
    .await;
    let found = store.get("k", GetOptions::default()).await.expect("there");
    let GetResult::Found { meta, .. } = found else { panic!("nothing was compared") };
    assert_eq!((meta.token, &*meta.properties.metadata["Camera"]), (None, "schön%41"));
    assert_eq!(log.all().len(), 2);
    assert!(log.lines()[1].contains("ifGenerationMatch=7"), "{:?}", log.lines());
}

#[tokio::test]
async fn a_source_that_is_replaced_while_it_is_copied_is_a_conflict() {
    let (store, _) = bucket(|asked, _| {
        if asked.method == Method::POST { refusal(412, "conditionNotMet") } else { resource("7", "3", "") }
    })
    .await;
    let error = store.copy("from", "to", CopyOptions::default()).await.expect_err("another source");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    let mut options = CopyOptions::default();
    options.source_if_match = Some(Etag::new("6"));
    let error = store.copy("from", "to", options).await.expect_err("not that source");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test]
async fn where_nothing_listens_a_call_fails_at_once_and_nothing_was_applied() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let began = Instant::now();
    let error = open(&url).put("k", Bytes::new(), PutOptions::default()).await.expect_err("nobody is there");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false));
    assert!(error.message().contains("endpoint"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn whoever_says_nothing_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(
                async move { while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {} },
            );
        }
    });
    let store = impatient().blob(open(&url));
    let began = Instant::now();
    let errors: [Error; 3] = [
        store.head("k").await.map(drop).expect_err("silence"),
        store.put("k", Bytes::new(), PutOptions::default()).await.map(drop).expect_err("silence"),
        store.start_upload("k", PutOptions::default()).await.map(drop).expect_err("silence"),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Timeout), "{errors:?}");
    assert!(errors[1].is_ambiguous());
    assert!(began.elapsed() < Duration::from_secs(20));
}
