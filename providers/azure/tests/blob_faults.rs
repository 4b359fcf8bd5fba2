//! Answers of Blob Storage that get lost, break off, or come when it is busy.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    BlobStore, Condition, CopyOptions, DeleteOptions, Etag, GetOptions, PutOptions,
};
use skyport_core::layers::{Layer, Retry};
use skyport_core::retry::RetryPolicy;
use skyport_core::{ErrorKind, Token};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "stub/http.rs"]
mod stub;
use stub::{Answer, Asked, blob, bucket, done, open, refusal};

fn retried(store: &Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
    Retry::new(RetryPolicy::default()).blob(Arc::clone(store))
}

fn if_absent() -> PutOptions {
    let mut options = PutOptions::default();
    options.condition = Condition::IfAbsent;
    options
}

fn is_commit(asked: &Asked) -> bool {
    asked.target.contains("comp=blocklist")
}

fn is_block(asked: &Asked) -> bool {
    asked.target.contains("blockid=")
}

/// A blob that is written although the first answer is lost; what is written again is refused so. A HEAD tells of `token`, or of that which was
/// written.
fn forgetful(
    status: u16,
    code: &'static str,
    token: Option<&'static str>,
    writes: fn(&Asked) -> bool,
) -> impl Fn(&Asked) -> Answer {
    let kept: Mutex<Option<String>> = Mutex::default();
    move |asked: &Asked| {
        let mut kept = kept.lock().unwrap();
        match asked.method.as_str() {
            "PUT" if !writes(asked) => done(blob(201, "block", "")).into(),
            "PUT" if kept.is_none() => {
                *kept = Some(asked.header("x-ms-meta-skyport_w").to_owned());
                Answer::Lost
            }
            "PUT" => refusal(status, code).into(),
            _ => match &*kept {
                Some(written) => {
                    done(blob(200, "e1", token.unwrap_or(written)).header("content-length", "1")).into()
                }
                None => refusal(404, "BlobNotFound").into(),
            },
        }
    }
}

#[tokio::test]
async fn a_conditional_put_whose_answer_was_lost_is_found_by_its_token() {
    let (store, log) = bucket(forgetful(409, "BlobAlreadyExists", None, |_| true)).await;
    let written = retried(&store).put("k", Bytes::from("v"), if_absent()).await.expect("written");
    assert_eq!(written.etag, Etag::new("e1"));
    assert_eq!(log.lines(), ["PUT /bkt/k", "PUT /bkt/k", "HEAD /bkt/k"]);
    assert_eq!(log.all()[0].header("if-none-match"), "*");
    let error = retried(&store).put("k", Bytes::from("w"), if_absent()).await.expect_err("it is there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_conditional_put_whose_answer_was_lost_and_that_was_replaced_since_is_indeterminate() {
    let another = "00000000000000000000000000000001";
    let (store, _) = bucket(forgetful(409, "BlobAlreadyExists", Some(another), |_| true)).await;
    let error = retried(&store).put("k", Bytes::from("v"), if_absent()).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_by_its_token() {
    for (status, code) in [(400, "InvalidBlockList"), (409, "BlobAlreadyExists")] {
        let (store, log) = bucket(forgetful(status, code, None, is_commit)).await;
        let upload = retried(&store).start_upload("k", if_absent()).await.expect("begun");
        upload.put_part(0, Bytes::from("ab")).await.expect("a block");
        upload.put_part(1, Bytes::from("c")).await.expect("a block");
        assert_eq!(upload.complete(2).await.expect(code).etag, Etag::new("e1"));
        let asked = log.all();
        let commits: Vec<&Asked> = asked.iter().filter(|asked| is_commit(asked)).collect();
        assert_eq!(commits.len(), 2, "what is refused is not sent again");
        assert!(commits.iter().all(|asked| asked.header("if-none-match") == "*"));
    }
}

#[tokio::test]
async fn blocks_that_a_rival_took_end_the_upload() {
    let (store, _) = bucket(|asked: &Asked| match asked.method.as_str() {
        "HEAD" => refusal(404, "BlobNotFound"),
        _ if is_commit(asked) => refusal(400, "InvalidBlockList"),
        _ => done(blob(201, "block", "")),
    })
    .await;
    let upload = retried(&store).start_upload("k", PutOptions::default()).await.expect("begun");
    upload.put_part(0, Bytes::from("a")).await.expect("a block");
    let error = upload.complete(1).await.expect_err("they are gone");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
}

#[tokio::test]
async fn blocks_have_names_of_one_length_that_no_other_upload_has() {
    let (store, log) = bucket(|asked: &Asked| match asked.method.as_str() {
        "HEAD" => refusal(404, "BlobNotFound"),
        _ => done(blob(201, "e", "")),
    })
    .await;
    let options = PutOptions::default();
    for _ in 0..2 {
        let upload = store.start_upload("k", options.clone()).await.expect("begun");
        for index in [0, 9, 49_999] {
            upload.put_part(index, Bytes::from("a")).await.expect("a block");
        }
    }
    let mut names: Vec<String> = log.all().iter().filter(|asked| is_block(asked)).map(Asked::line).collect();
    assert!(names.iter().all(|name| name.len() == names[0].len()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 6, "the same token may be used for two uploads");
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_by_range_bound_to_what_was_begun() {
    let (store, log) = bucket(|asked: &Asked| match asked.header("range") {
        "" => {
            let whole = blob(200, "e1", "").header("content-length", "10");
            Answer::Cut(whole.body(Bytes::from("0123")).unwrap())
        }
        "bytes=4-" | "bytes=4-9" => {
            let rest = blob(206, "e1", "").header("content-range", "bytes 4-9/10");
            rest.body(Bytes::from("456789")).unwrap().into()
        }
        other => panic!("{other}"),
    })
    .await;
    let bytes = Bucket::new(retried(&store)).get("k").bytes().await.expect("whole");
    assert_eq!(bytes, "0123456789");
    let asked = log.all();
    assert_eq!((asked.len(), asked[0].header("if-match"), asked[1].header("if-match")), (2, "", "\"e1\""));
}

#[tokio::test]
async fn the_last_bytes_are_those_of_one_content() {
    // It grows while it is looked at.
    let looks = AtomicU32::new(0);
    let (store, log) = bucket(move |asked: &Asked| {
        if asked.method == "HEAD" {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            return done(blob(200, &format!("e{look}"), "").header("content-length", 10 + look));
        }
        match (asked.header("if-match"), asked.header("range")) {
            ("\"e0\"", "bytes=7-9") => refusal(412, "ConditionNotMet"),
            ("\"e1\"", "bytes=8-10") => {
                blob(206, "e1", "").header("content-range", "bytes 8-10/11").body(Bytes::from("890")).unwrap()
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(Bucket::new(store).get("k").last(3).bytes().await.expect("read"), "890");
    assert_eq!(log.lines().len(), 4);
}

#[tokio::test]
async fn a_refused_connection_fails_within_the_policy_and_changed_nothing() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (store, began) = (retried(&open(&endpoint)), Instant::now());
    let error = store.put("k", Bytes::from("v"), if_absent()).await.expect_err("nobody is there");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_busy_service_is_obeyed() {
    let calls = AtomicU32::new(0);
    let (store, log) = bucket(move |_: &Asked| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let mut busy = refusal(503, "ServerBusy");
            busy.headers_mut().insert("retry-after", "1".parse().unwrap());
            busy
        }
        _ => done(blob(201, "e1", "")),
    })
    .await;
    let began = Instant::now();
    retried(&store).put("k", Bytes::from("v"), PutOptions::default()).await.expect("written");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(log.lines().len(), 2);
    let (store, _) = bucket(|_: &Asked| refusal(503, "ServerBusy")).await;
    let error = store.head("k").await.expect_err("busy");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Throttled, true));
}

#[tokio::test]
async fn a_copy_that_is_not_done_at_once_is_waited_for() {
    let looks = AtomicU32::new(0);
    let (store, log) = bucket(move |asked: &Asked| {
        let told = |status, etag, state| {
            blob(status, etag, "").header("x-ms-copy-id", "7").header("x-ms-copy-status", state)
        };
        match (asked.method.as_str(), asked.target.as_str()) {
            ("HEAD", "/bkt/from") => done(blob(200, "source", "").header("content-length", "3")),
            ("PUT", "/bkt/to") => done(told(202, "begun", "pending")),
            ("HEAD", "/bkt/to") if looks.fetch_add(1, Ordering::Relaxed) < 2 => {
                done(told(200, "begun", "pending").header("content-length", "0"))
            }
            ("HEAD", "/bkt/to") => done(told(200, "done", "success").header("content-length", "3")),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let written = store.copy("from", "to", CopyOptions::default()).await.expect("copied");
    assert_eq!(written.etag, Etag::new("done"));
    let put = log.all().into_iter().find(|asked| asked.method == "PUT").expect("a copy");
    assert_eq!(put.header("x-ms-source-if-match"), "\"source\"");
    assert!(put.header("x-ms-copy-source").ends_with("/bkt/from"));
}

#[tokio::test]
async fn a_copy_that_is_given_up_is_no_success_and_its_empty_object_is_deleted() {
    for (state, deleted) in [("failed", true), ("aborted", true), ("strange", false)] {
        let (store, log) = bucket(move |asked: &Asked| match asked.method.as_str() {
            "HEAD" => done(blob(200, "source", "").header("content-length", "3")),
            "DELETE" => done(blob(202, "e", "")),
            _ => done(blob(202, "e", "").header("x-ms-copy-status", state)),
        })
        .await;
        let error = store.copy("from", "to", CopyOptions::default()).await.expect_err(state);
        assert!(error.is_ambiguous(), "{error}");
        let last = log.all().pop().expect("asked");
        assert_eq!((last.line() == "DELETE /bkt/to", last.header("if-match") == "\"e\""), (deleted, deleted));
    }
}

#[tokio::test]
async fn a_copy_that_was_given_up_is_never_read_back_as_written() {
    let (token, puts) = (Mutex::new(String::new()), AtomicU32::new(0));
    // Its first answer is lost, then Azure gives it up: our token stands on an empty object.
    let (store, _) = bucket(move |asked: &Asked| match (asked.method.as_str(), asked.target.as_str()) {
        ("HEAD", "/bkt/from") => done(blob(200, "source", "").header("content-length", "3")).into(),
        ("PUT", _) if puts.fetch_add(1, Ordering::Relaxed) == 0 => {
            *token.lock().unwrap() = asked.header("x-ms-meta-skyport_w").to_owned();
            Answer::Lost
        }
        ("PUT", _) => refusal(409, "BlobAlreadyExists").into(),
        _ => {
            let left = blob(200, "left", &token.lock().unwrap()).header("x-ms-copy-status", "failed");
            done(left.header("content-length", "0")).into()
        }
    })
    .await;
    let mut options = CopyOptions::default();
    options.condition = Condition::IfAbsent;
    let error = retried(&store).copy("from", "to", options).await.expect_err("nobody copied it");
    assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}");
}

#[tokio::test]
async fn a_source_that_cannot_be_looked_at_leaves_the_target_as_it_is() {
    let (store, log) = bucket(|_: &Asked| refusal(500, "InternalError")).await;
    let error = store.copy("from", "to", CopyOptions::default()).await.expect_err("no source");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, false));
    assert_eq!(log.lines(), ["HEAD /bkt/from"]);
    // Nor does a second look that fails hide what was told.
    let looks = AtomicU32::new(0);
    let (store, _) = bucket(move |asked: &Asked| match asked.method.as_str() {
        "PUT" => refusal(409, "BlobAlreadyExists"),
        _ if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
            done(blob(200, "source", "").header("content-length", "3"))
        }
        _ => refusal(500, "InternalError"),
    })
    .await;
    let mut options = CopyOptions::default();
    options.condition = Condition::IfAbsent;
    let error = store.copy("from", "to", options).await.expect_err("it is there");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::AlreadyExists, false));
}

#[tokio::test]
async fn what_is_still_being_copied_or_was_given_up_is_not_taken_for_written_and_can_be_written_over() {
    for (state, passes) in [("pending", true), ("failed", false), ("aborted", false)] {
        let (store, _) = bucket(move |asked: &Asked| match asked.method.as_str() {
            "PUT" => done(blob(201, "new", "")),
            _ => done(blob(200, "e", "").header("x-ms-copy-status", state).header("content-length", "0")),
        })
        .await;
        for error in [
            store.head("k").await.map(drop).expect_err(state),
            store.get("k", GetOptions::default()).await.map(drop).expect_err(state),
        ] {
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, passes));
        }
        let upload = store.start_upload("k", PutOptions::default()).await.expect(state);
        upload.put_part(0, Bytes::from("a")).await.expect("a block");
        assert_eq!(upload.complete(1).await.expect(state).etag, Etag::new("new"));
    }
}

#[tokio::test]
async fn a_deletion_takes_snapshots_along_and_one_under_a_condition_needs_its_blob() {
    let (store, log) = bucket(|asked: &Asked| match asked.target.as_str() {
        "/bkt/there" => done(blob(202, "e", "")),
        "/bkt/leased" => refusal(412, "LeaseIdMissing"),
        _ => refusal(404, "BlobNotFound"),
    })
    .await;
    store.delete("there", DeleteOptions::default()).await.expect("deleted");
    assert_eq!(log.all()[0].header("x-ms-delete-snapshots"), "include");
    store.delete("missing", DeleteOptions::default()).await.expect("nothing to delete");
    let mut only = DeleteOptions::default();
    only.if_match = Some(Etag::new("e"));
    let error = store.delete("missing", only.clone()).await.expect_err("another");
    assert_eq!((error.kind(), log.all()[2].header("if-match")), (ErrorKind::PreconditionFailed, "\"e\""));
    // A lease that somebody else holds is no condition of ours.
    let error = store.delete("leased", only).await.expect_err("leased");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_put_that_succeeds_without_an_etag_has_happened_all_the_same() {
    let (store, _) = bucket(|_: &Asked| done(http::Response::builder().status(201))).await;
    let mut options = PutOptions::default();
    options.token = Token::new();
    let error = store.put("k", Bytes::from("v"), options).await.expect_err("no etag");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, true));
}

#[tokio::test]
async fn a_key_that_no_url_can_say_is_refused_and_all_others_are_one_segment() {
    let (store, log) = bucket(|_: &Asked| done(blob(200, "e", "").header("content-length", "0"))).await;
    for key in [".", ".."] {
        assert_eq!(store.head(key).await.expect_err(key).kind(), ErrorKind::InvalidArgument);
    }
    for (key, path) in [
        ("a/../b", "a%2F..%2Fb"),
        ("./a", ".%2Fa"),
        ("a%2e?b#c", "a%252e%3Fb%23c"),
        ("a+b c|^[]", "a%2Bb%20c%7C%5E%5B%5D"),
        ("a\\b", "a%5Cb"),
        ("\u{e9}~", "%C3%A9~"),
    ] {
        store.head(key).await.expect(key);
        assert_eq!(log.lines().last().unwrap(), &format!("HEAD /bkt/{path}"));
    }
}

#[tokio::test]
async fn blocks_that_others_staged_are_a_conflict_that_says_what_to_do() {
    for (status, code) in [(400, "InvalidBlobOrBlock"), (409, "BlockCountExceedsLimit")] {
        let (store, log) = bucket(move |asked: &Asked| match asked.method.as_str() {
            "HEAD" => refusal(404, "BlobNotFound"),
            _ => refusal(status, code),
        })
        .await;
        let upload = retried(&store).start_upload("k", PutOptions::default()).await.expect("begun");
        let error = upload.put_part(0, Bytes::from("a")).await.expect_err(code);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false), "{error}");
        assert!(error.message().contains("in one piece"), "{error}");
        assert_eq!(log.lines().len(), 2);
    }
}

#[tokio::test]
async fn a_source_whose_url_azure_would_not_take_is_refused_before_it_is_looked_at() {
    let (store, log) = bucket(|asked: &Asked| match asked.method.as_str() {
        "HEAD" => done(blob(200, "source", "").header("content-length", "3")),
        _ => done(blob(202, "e", "").header("x-ms-copy-status", "success")),
    })
    .await;
    let error =
        store.copy(&"\u{20ac}".repeat(300), "to", CopyOptions::default()).await.expect_err("too long");
    assert_eq!((error.kind(), log.all().len()), (ErrorKind::TooLarge, 0), "{error}");
    assert!(error.message().contains("2048"), "{error}");
    // Slashes need not be escaped.
    let deep = vec!["a"; 500].join("/");
    store.copy(&deep, "to", CopyOptions::default()).await.expect("copied");
    let deeper = vec!["$$$"; 250].join("/");
    store.copy(&deeper, "to", CopyOptions::default()).await.expect("copied");
    assert!(log.all()[1].header("x-ms-copy-source").ends_with("a%2Fa"));
    assert!(log.all()[3].header("x-ms-copy-source").ends_with("/$$$/$$$"));
}
