//! Making and removing containers where Azure is slow, or says what the emulator does not.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use skyport_core::ErrorKind;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "stub/http.rs"]
mod stub;
use stub::{Asked, azure, done, refusal, served};

fn url() -> ResourceUrl {
    ResourceUrl::new("azblob", "bkt")
}

#[tokio::test]
async fn a_container_that_is_being_removed_is_waited_for() {
    let calls = AtomicU32::new(0);
    // More often than what fails for a moment is tried.
    let (endpoint, log) = served(move |_: &Asked, _: &str| match calls.fetch_add(1, Ordering::Relaxed) {
        0..=8 => refusal(409, "ContainerBeingDeleted"),
        _ => done(http::Response::builder().status(201)),
    })
    .await;
    azure(&endpoint).create(&url(), &ResourceKind::Bucket).await.expect("made at last");
    let asked = log.all();
    assert_eq!(asked.len(), 10);
    assert!(asked.iter().all(|asked| asked.line() == "PUT /bkt?restype=container"));
    assert_eq!(asked[0].header("x-ms-blob-public-access"), "", "nobody but who may reads it");
}

#[tokio::test]
async fn a_container_that_is_there_is_left_as_it_is_and_one_that_is_gone_need_not_be_removed() {
    let (endpoint, _) = served(|asked: &Asked, _: &str| match asked.method.as_str() {
        "PUT" => refusal(409, "ContainerAlreadyExists"),
        _ => refusal(404, "ContainerNotFound"),
    })
    .await;
    azure(&endpoint).create(&url(), &ResourceKind::Bucket).await.expect("it is there");
    azure(&endpoint).remove(&url(), &ResourceKind::Bucket).await.expect("it is gone");
    let (endpoint, log) = served(|_: &Asked, _: &str| refusal(409, "ContainerBeingDeleted")).await;
    azure(&endpoint).remove(&url(), &ResourceKind::Bucket).await.expect("it is going");
    assert_eq!(log.all().len(), 1);
}

#[tokio::test]
async fn who_may_not_make_containers_is_told_at_once() {
    let (endpoint, log) = served(|_: &Asked, _: &str| refusal(403, "AuthorizationPermissionMismatch")).await;
    let error = azure(&endpoint).create(&url(), &ResourceKind::Bucket).await.expect_err("not permitted");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::PermissionDenied, Some("bkt")));
    assert_eq!(log.all().len(), 1);
}

#[tokio::test]
async fn a_missing_container_is_told_by_every_call_without_another() {
    let (store, log) = stub::bucket(|_: &Asked| refusal(404, "ContainerNotFound")).await;
    let error = store.head("k").await.expect_err("no container");
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
    let results = store.delete_many(vec!["a".to_owned(), "b".to_owned()]).await;
    assert!(
        results.iter().all(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound))
    );
    assert_eq!(log.all().len(), 3);
}
