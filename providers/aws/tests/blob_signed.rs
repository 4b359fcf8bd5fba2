//! Signed requests: what is signed, when it ends, and that nobody sees it by chance.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use skyport_core::blob::port::{SignMethod, SignOptions};

use stub::{bucket_signed_by, credentials, status};

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod stub;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_signed_put_binds_its_content_type_and_its_condition() {
    let (store, log) = bucket_signed_by(credentials(None), |_, _| status(500));
    let mut options = SignOptions::new(SignMethod::Put, HOUR);
    options.content_type = Some("text/x-test".to_owned());
    options.if_absent = true;
    let signed = store.sign("a b/ü", options).await.expect("signed");
    assert_eq!(
        (signed.method.as_str(), &signed.headers["content-type"]),
        ("PUT", &"text/x-test".parse().unwrap())
    );
    assert_eq!(signed.headers["if-none-match"], "*");
    assert!(signed.url.starts_with("http://s3.test/b/a%20b/%C3%BC?"), "{}", signed.url);
    for part in
        ["X-Amz-Expires=3600", "X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match", "X-Amz-Signature="]
    {
        assert!(signed.url.contains(part), "{part} in {}", signed.url);
    }
    let names: Vec<&str> = signed.headers.keys().map(http::HeaderName::as_str).collect();
    assert!(names.iter().all(|name| ["content-type", "if-none-match"].contains(name)), "{names:?}");
    let get = store.sign("k", SignOptions::new(SignMethod::Get, HOUR)).await.expect("signed");
    assert!(get.headers.is_empty() && get.url.contains("SignedHeaders=host&"), "{get:?}");
    assert!(log.all().is_empty(), "no request is made");
}

#[tokio::test]
async fn a_signed_url_ends_with_its_credentials() {
    let now = SystemTime::now();
    let soon = now + Duration::from_secs(600);
    let (store, _) = bucket_signed_by(credentials(Some(soon)), |_, _| status(500));
    let signed = store.sign("k", SignOptions::new(SignMethod::Get, HOUR)).await.expect("signed");
    assert_eq!(signed.expires, soon);
    let lasting = Credentials::new("AKIDSTUB", "the-secret", None, None, "stub");
    let (store, _) = bucket_signed_by(lasting, |_, _| status(500));
    let signed = store.sign("k", SignOptions::new(SignMethod::Delete, 2 * HOUR)).await.expect("signed");
    assert!(signed.expires >= now + 2 * HOUR && signed.expires <= SystemTime::now() + 2 * HOUR);
}

#[tokio::test]
async fn a_session_that_does_not_tell_its_end_is_trusted_for_an_hour() {
    let now = SystemTime::now();
    let (store, _) = bucket_signed_by(credentials(None), |_, _| status(500));
    for (asked, told) in [(2 * HOUR, HOUR), (HOUR / 2, HOUR / 2)] {
        let signed = store.sign("k", SignOptions::new(SignMethod::Get, asked)).await.expect("signed");
        assert!(signed.expires >= now + told && signed.expires <= SystemTime::now() + told);
        assert!(signed.url.contains(&format!("X-Amz-Expires={}&", asked.as_secs())), "{}", signed.url);
    }
}

#[tokio::test]
async fn neither_a_signed_url_nor_a_secret_is_shown_by_debug() {
    let (store, _) = bucket_signed_by(credentials(None), |_, _| status(500));
    let signed = store.sign("k", SignOptions::new(SignMethod::Get, HOUR)).await.expect("signed");
    let query = signed.url.split_once('?').expect("a query").1;
    for shown in [format!("{signed:?}"), format!("{signed:#?}"), format!("{store:?}"), format!("{store:#?}")]
    {
        for secret in [query, "X-Amz-Signature", "AKIDSTUB", "the-secret", "the-session"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
