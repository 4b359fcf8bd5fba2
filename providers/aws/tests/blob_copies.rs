//! Copies as requests: emulators ignore the conditions of a copy's target.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use aws_smithy_types::body::SdkBody;
use http::{Method, Response};
use skyport_core::blob::port::{Condition, CopyOptions, Etag};
use skyport_core::{Error, ErrorKind, Token};

use stub::{Asked, answer, bucket, object, refusal};

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod stub;

fn copied() -> Response<SdkBody> {
    answer(200, "<CopyObjectResult><ETag>\"new\"</ETag></CopyObjectResult>")
}

fn under(condition: Condition) -> CopyOptions {
    let mut options = CopyOptions::default();
    options.condition = condition;
    options
}

/// Copies from a source that has the etag `one`, and from the second look on that of `then`; what S3 says to the copy.
async fn refused(options: CopyOptions, then: &'static str, code: &'static str, status: u16) -> Error {
    let (store, _) = bucket(move |asked: &Asked, before| match asked.method {
        Method::PUT => refusal(status, code),
        _ if before == 0 => object("one", "", ""),
        _ => object(then, "", ""),
    });
    store.copy("from", "to", options).await.expect_err("refused")
}

#[tokio::test]
async fn a_copy_bears_its_token_its_properties_and_all_conditions() {
    let (store, log) = bucket(|asked, _| {
        if asked.method == Method::PUT { copied() } else { object("one", &Token::new().to_string(), "") }
    });
    let mut options = under(Condition::IfAbsent);
    options.source_bucket = Some("other".to_owned());
    options.token = Token::from_bits(7);
    let written = store.copy("a b/ü+%", "to", options).await.expect("copied");
    assert_eq!(written.etag, Etag::new("new"));
    store.copy("from", "to", under(Condition::IfMatch(Etag::new("old")))).await.expect("copied");
    let all = log.all();
    assert_eq!(all.len(), 4);
    assert_eq!(all[0].line(), "HEAD /other/a%20b/%C3%BC%2B%25");
    let copy = &all[1];
    assert_eq!(copy.line(), "PUT /b/to?CopyObject");
    for (name, value) in [
        ("x-amz-copy-source", "other/a%20b/%C3%BC%2B%25"),
        ("x-amz-copy-source-if-match", "\"one\""),
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-meta-skyport_w", "00000000000000000000000000000007"),
        ("x-amz-meta-who", "gr%C3%BC%C3%9Fe"),
        ("content-type", "text/plain"),
        ("if-none-match", "*"),
        ("if-match", ""),
    ] {
        assert_eq!(copy.header(name), value, "{name}");
    }
    assert_eq!((all[3].header("if-match"), all[3].header("if-none-match")), ("\"old\"", ""));
}

#[tokio::test]
async fn a_refused_copy_says_which_condition_did_not_hold() {
    let stale = || under(Condition::IfMatch(Etag::new("old")));
    let error = refused(under(Condition::IfAbsent), "one", "PreconditionFailed", 412).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::AlreadyExists, false));
    let error = refused(stale(), "one", "PreconditionFailed", 412).await;
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    // S3 compares nothing where the target is missing.
    assert_eq!(refused(stale(), "one", "NoSuchKey", 404).await.kind(), ErrorKind::PreconditionFailed);
    let error = refused(stale(), "one", "ConditionalRequestConflict", 409).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    let error = refused(under(Condition::None), "one", "NoSuchBucket", 404).await;
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
}

#[tokio::test]
async fn a_source_that_changes_under_a_copy_is_told_from_a_target_that_does() {
    for options in [under(Condition::None), under(Condition::IfAbsent)] {
        let error = refused(options, "two", "PreconditionFailed", 412).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    }
    let mut named = under(Condition::None);
    named.source_if_match = Some(Etag::new("one"));
    assert_eq!(refused(named, "two", "PreconditionFailed", 412).await.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test]
async fn a_refusal_inside_a_success_is_judged_as_any_other() {
    let error = refused(under(Condition::None), "two", "PreconditionFailed", 200).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
    let error = refused(under(Condition::IfAbsent), "one", "PreconditionFailed", 200).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::AlreadyExists, false));
}

#[tokio::test]
async fn a_source_that_is_another_or_too_large_is_refused_without_copying() {
    let (store, log) = bucket(|_, before| {
        let mut large = object("one", "", "");
        if before == 1 {
            let size = (5_u64 << 30) + 1;
            large.headers_mut().insert("content-length", size.into());
        }
        large
    });
    let mut options = CopyOptions::default();
    options.source_if_match = Some(Etag::new("another"));
    let error = store.copy("from", "to", options).await.expect_err("another");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    let error = store.copy("from", "to", CopyOptions::default()).await.expect_err("too large");
    assert!(error.kind() == ErrorKind::TooLarge && error.message().contains("5368709120"), "{error}");
    assert_eq!(log.lines(), ["HEAD /b/from", "HEAD /b/from"]);
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let (store, _) = bucket(|asked, _| {
        if asked.method == Method::PUT { refusal(200, "InternalError") } else { object("one", "", "") }
    });
    let error = store.copy("from", "to", CopyOptions::default()).await.expect_err("it failed in the end");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, true));
}
