//! Answers that get lost, services that are down for a moment, uploads that arrive in part, on the strict test server.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    BlobStore, Condition, CopyOptions, DeleteOptions, Etag, GetOptions, PutOptions, Upload,
};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::retry::RetryPolicy;
use skyport_core::{ErrorKind, Token};
use skyport_gcp::{Gcp, GcpConfig};
use skyport_gcs::{Fault, Server};

const WHOLE: &str = "POST /upload/storage/v1/b/bkt/o?uploadType=multipart";
const PART: &str = "PUT /upload/storage/v1/b/bkt/o?";
const QUANTUM: usize = 256 << 10;

async fn bucket() -> (Server, Arc<dyn BlobStore>) {
    let server = Server::start().expect("a server");
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(server.url().to_owned());
    let (gcp, url) = (Gcp::with(config), ResourceUrl::new("gs", "bkt"));
    gcp.create(&url, &ResourceKind::Bucket).await.expect("a bucket");
    (server, gcp.bucket(&url).expect("opens"))
}

fn retried(store: &Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
    Retry::new(RetryPolicy::default()).blob(Arc::clone(store))
}

fn if_absent() -> PutOptions {
    let mut options = PutOptions::default();
    options.condition = Condition::IfAbsent;
    options
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}

async fn content(store: &Arc<dyn BlobStore>, key: &str) -> Bytes {
    Bucket::new(Arc::clone(store)).get(key).bytes().await.expect("it is there")
}

/// How often such a request was made.
fn count(server: &Server, beginning: &str) -> usize {
    server.asked().iter().filter(|line| line.starts_with(beginning)).count()
}

/// An upload whose parts are sent, but for the last one.
async fn uploaded(store: &Arc<dyn BlobStore>, options: PutOptions, parts: &[Bytes]) -> Box<dyn Upload> {
    let upload = store.start_upload("k", options).await.expect("an upload");
    for (index, part) in parts.iter().enumerate() {
        upload.put_part(u32::try_from(index).unwrap(), part.clone()).await.expect("a part");
    }
    upload
}

/// Of a copy the source is looked at, and of what is missing the bucket: an answer to that which is lost leaves no doubt about what stands.
#[tokio::test]
async fn where_only_looking_failed_a_refusal_is_told_as_what_it_is() {
    let (server, store) = bucket().await;
    store.put("from", pattern(10), PutOptions::default()).await.expect("put");
    store.put("to", pattern(10), PutOptions::default()).await.expect("put");
    for fault in [Fault::HangUp, Fault::Hide(503)] {
        server.on_next("GET /storage/v1/b/bkt/o/from", fault);
        let mut options = CopyOptions::default();
        options.condition = Condition::IfAbsent;
        let refused = retried(&store).copy("from", "to", options).await.expect_err("it is there");
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
        server.on_next("GET /storage/v1/b/bkt?", fault);
        let mut options = DeleteOptions::default();
        options.if_match = Some(Etag::new("17"));
        let refused = retried(&store).delete("missing", options).await.expect_err("nothing is there");
        assert_eq!(refused.kind(), ErrorKind::PreconditionFailed, "{refused}");
    }
}

#[tokio::test]
async fn a_conditional_write_whose_answer_was_lost_is_found_by_its_token() {
    for fault in [Fault::HangUp, Fault::Hide(503), Fault::Refuse(503)] {
        let (server, store) = bucket().await;
        server.on_next(WHOLE, fault);
        let written = retried(&store).put("k", pattern(10), if_absent()).await.expect("written");
        assert_eq!(store.head("k").await.expect("there").etag, written.etag, "{fault:?}");
        assert_eq!((count(&server, WHOLE), content(&store, "k").await), (2, pattern(10)));
        // Another's is another's.
        let error = retried(&store).put("k", pattern(11), if_absent()).await.expect_err("it is there");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn a_part_whose_answer_was_lost_is_not_sent_again() {
    let (server, store) = bucket().await;
    let part = store.info().limits.part_bytes;
    let whole = pattern(2 * part + 7);
    for fault in [Fault::HangUp, Fault::Hide(503)] {
        server.on_next(PART, fault);
        Bucket::new(retried(&store)).put("k", whole.clone()).await.expect("uploaded");
        assert!(content(&store, "k").await == whole, "{fault:?}");
    }
    // Three pieces, and a question, each time.
    assert_eq!(count(&server, PART), 2 * 4);
}

#[tokio::test]
async fn of_a_part_that_was_kept_in_part_the_rest_is_sent() {
    let (server, store) = bucket().await;
    let part = store.info().limits.part_bytes;
    let whole = pattern(2 * part + 7);
    for kept in [1, 3] {
        server.on_next(PART, Fault::KeepAtMost((kept * QUANTUM) as u64));
    }
    Bucket::new(Arc::clone(&store)).put("k", whole.clone()).await.expect("uploaded");
    assert!(content(&store, "k").await == whole);
    assert_eq!(count(&server, PART), 3 + 2);
}

#[tokio::test]
async fn a_service_that_keeps_nothing_is_no_endless_loop() {
    let (server, store) = bucket().await;
    let part = pattern(store.info().limits.part_bytes);
    let upload = uploaded(&store, PutOptions::default(), std::slice::from_ref(&part)).await;
    server.on_next(PART, Fault::KeepAtMost(0));
    let error = upload.put_part(1, part.clone()).await.expect_err("nothing was kept");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    // And it may go on.
    upload.put_part(1, part.clone()).await.expect("kept now");
    upload.complete(2).await.expect("completed");
    assert_eq!(store.head("k").await.expect("there").size, 2 * part.len() as u64);
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_told_by_its_session() {
    for fault in [Fault::HangUp, Fault::Hide(503)] {
        let (server, store) = bucket().await;
        let part = pattern(store.info().limits.part_bytes);
        let upload = uploaded(&store, if_absent(), &[part.clone(), pattern(5)]).await;
        server.on_next(PART, fault);
        let error = upload.complete(2).await.expect_err("the answer is lost");
        assert!(error.is_ambiguous() && error.is_retryable(), "{error}");
        let there = store.head("k").await.expect("it was made").etag;
        let sent = count(&server, PART);
        assert_eq!(upload.complete(2).await.expect("it says so").etag, there, "{fault:?}");
        assert_eq!(count(&server, PART), sent + 1, "a question, and no bytes");
        // However often.
        assert_eq!(upload.complete(2).await.expect("it is known").etag, there);
    }
}

#[tokio::test]
async fn an_upload_that_meets_another_object_is_refused_at_its_end() {
    let (_server, store) = bucket().await;
    let upload = uploaded(&store, if_absent(), &[pattern(9)]).await;
    let rival = store.put("k", pattern(3), PutOptions::default()).await.expect("a rival").etag;
    assert_eq!(upload.complete(1).await.expect_err("it is there").kind(), ErrorKind::AlreadyExists);
    let mut options = PutOptions::default();
    options.condition = Condition::IfMatch(rival);
    let upload = uploaded(&store, options, &[pattern(9)]).await;
    store.put("k", pattern(4), PutOptions::default()).await.expect("another rival");
    assert_eq!(upload.complete(1).await.expect_err("it changed").kind(), ErrorKind::PreconditionFailed);
    assert_eq!(content(&store, "k").await, pattern(4));
}

#[tokio::test]
async fn an_upload_ends_once_and_misses_no_part() {
    let (server, store) = bucket().await;
    let upload = uploaded(&store, PutOptions::default(), &[pattern(9)]).await;
    assert_eq!(upload.complete(2).await.expect_err("a part is missing").kind(), ErrorKind::InvalidArgument);
    upload.abort().await.expect("given up");
    upload.abort().await.expect("and once more");
    let error = upload.complete(1).await.expect_err("it has ended");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    drop(upload);
    let empty = store.start_upload("k", PutOptions::default()).await.expect("an upload");
    empty.complete(0).await.expect("an object of nothing");
    assert_eq!(store.head("k").await.expect("there").size, 0);
    assert_eq!(count(&server, "DELETE "), 2);
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_given_up_in_the_background() {
    let (server, store) = bucket().await;
    drop(uploaded(&store, PutOptions::default(), &[pattern(9)]).await);
    let given_up = async {
        while count(&server, "DELETE /upload/storage/v1/b/bkt/o?") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_up).await.expect("it is given up");
}

#[tokio::test]
async fn a_copy_that_takes_several_calls_is_one_copy() {
    let (server, store) = bucket().await;
    let whole = pattern(3 << 20);
    store.put("from", whole.clone(), PutOptions::default()).await.expect("put");
    for fault in [None, Some(Fault::HangUp)] {
        if let Some(fault) = fault {
            server.on_next("/rewriteTo/", fault);
        }
        let mut options = CopyOptions::default();
        options.condition = Condition::IfAbsent;
        let to = format!("to{}", fault.is_some());
        retried(&store).copy("from", &to, options).await.expect("copied");
        assert!(content(&store, &to).await == whole);
        let (from, copied) =
            (store.head("from").await.expect("there"), store.head(&to).await.expect("there"));
        assert_ne!(from.token, copied.token, "a copy is a write of its own");
    }
}

#[tokio::test]
async fn a_copy_that_fails_for_a_moment_goes_on_where_it_was() {
    for fault in [Fault::Refuse(503), Fault::HangUp, Fault::Hide(503)] {
        let (server, store) = bucket().await;
        let whole = pattern(3 << 20);
        store.put("from", whole.clone(), PutOptions::default()).await.expect("put");
        server.on_next("rewriteToken=", fault);
        // Nobody repeats it here.
        store.copy("from", "to", CopyOptions::default()).await.expect("copied");
        assert!(content(&store, "to").await == whole);
        let rewrites = |line: &&String| line.contains("/rewriteTo/");
        let asked = server.asked();
        let anew = asked.iter().filter(rewrites).filter(|line| !line.contains("rewriteToken=")).count();
        assert_eq!(anew, 1, "{fault:?}: {asked:?}");
    }
}

#[tokio::test]
async fn what_no_object_can_be_is_refused_without_asking() {
    let (server, store) = bucket().await;
    let before = server.asked().len();
    let mut put = PutOptions::default();
    put.condition = Condition::IfMatch(Etag::new("0"));
    let mut get = GetOptions::default();
    get.if_match = Some(Etag::new("d41d8cd98f00b204e9800998ecf8427e"));
    let mut delete = DeleteOptions::default();
    delete.if_match = Some(Etag::new("07"));
    for error in [
        store.put("k", Bytes::new(), put.clone()).await.expect_err("no such etag"),
        store.start_upload("k", put).await.map(drop).expect_err("no such etag"),
        store.get("k", get).await.map(drop).expect_err("no such etag"),
        store.delete("k", delete).await.expect_err("no such etag"),
    ] {
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    }
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn a_key_that_would_be_the_way_to_the_bucket_is_that_of_no_object() {
    let (server, store) = bucket().await;
    for key in [".", ".."] {
        store.delete(key, DeleteOptions::default()).await.expect("nothing is there");
        assert!(store.delete_many(vec![key.to_owned()]).await[0].is_ok());
        for error in [
            store.head(key).await.map(drop).expect_err(key),
            store.get(key, GetOptions::default()).await.map(drop).expect_err(key),
        ] {
            assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, Some(key)));
        }
    }
    assert_eq!(count(&server, "DELETE "), 0);
    // Within a longer key they are letters like others.
    for key in ["a/../b", "../a", "a/.."] {
        store.put(key, pattern(3), PutOptions::default()).await.expect(key);
        assert_eq!(content(&store, key).await, pattern(3));
        store.delete(key, DeleteOptions::default()).await.expect(key);
        assert_eq!(store.head(key).await.expect_err(key).kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_write_carries_its_token_and_is_one_request() {
    let (server, store) = bucket().await;
    let before = server.asked().len();
    let mut options = PutOptions::default();
    options.token = Token::new();
    store.put("k", pattern(3), options.clone()).await.expect("put");
    assert_eq!(content(&store, "k").await, pattern(3));
    assert_eq!(server.asked().len(), before + 2, "{:?}", server.asked());
    assert_eq!(store.head("k").await.expect("there").token, Some(options.token));
}
