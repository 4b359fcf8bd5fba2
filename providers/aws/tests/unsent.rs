//! What fails before it is sent was not applied: nobody signs it, or no connection is made.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used)]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::port::{Condition, Etag, PutOptions, SignMethod, SignOptions};
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::retry::RetryPolicy;
use skyport_core::{ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use ErrorKind as Kind;

/// AWS as the SDK's own client reaches it, with these credentials.
fn reached(endpoint: String, credentials: impl ProvideCredentials + 'static) -> Aws {
    let mut config = AwsConfig::default();
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(endpoint);
    config.credentials = Some(SharedCredentialsProvider::new(credentials));
    Aws::with(config)
}

fn stubbed() -> Credentials {
    Credentials::new("AKIDSTUB", "the-secret", None, None, "stub")
}

/// Credentials that cannot be had.
#[derive(Debug)]
struct Lacking(fn() -> CredentialsError);

impl ProvideCredentials for Lacking {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

/// A write that would be `Indeterminate` where it may have been applied.
async fn put(aws: &Aws) -> Result<()> {
    let bucket = aws.bucket(&ResourceUrl::new("s3", "b"))?;
    let mut options = PutOptions::default();
    options.condition = Condition::IfMatch(Etag::new("e"));
    bucket.put("k", "v".into(), options).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn credentials_that_fail_for_a_moment_are_told_from_those_that_are_not_there() {
    let cases: [(ErrorKind, fn() -> CredentialsError); 5] = [
        (Kind::Unauthenticated, CredentialsError::not_loaded_no_source),
        (Kind::Unauthenticated, || CredentialsError::invalid_configuration("a profile of itself")),
        (Kind::Unavailable, || CredentialsError::provider_error("STS: 503")),
        (Kind::Unavailable, || CredentialsError::provider_timed_out(Duration::from_secs(5))),
        (Kind::Unavailable, || CredentialsError::unhandled("half an answer")),
    ];
    for (kind, lack) in cases {
        let aws = reached("http://127.0.0.1:1".to_owned(), Lacking(lack));
        let wrote = put(&aws).await.expect_err("nobody signs");
        let bucket = aws.bucket(&ResourceUrl::new("s3", "b")).expect("opens");
        let options = SignOptions::new(SignMethod::Get, Duration::from_secs(60));
        let signed = bucket.sign("k", options).await.expect_err("nobody signs");
        for error in [wrote, signed] {
            assert_eq!((error.kind(), error.is_ambiguous()), (kind, false), "{error}");
            assert_eq!(error.is_retryable(), kind == Kind::Unavailable, "{error}");
        }
    }
}

/// Credentials that never come.
#[derive(Debug)]
struct Endless;

impl ProvideCredentials for Endless {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_come_are_given_up_within_one_attempt() {
    let aws = reached("http://127.0.0.1:1".to_owned(), Endless);
    let began = tokio::time::Instant::now();
    let error = put(&aws).await.expect_err("nobody signs");
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Unavailable, false), "{error:?}");
    assert!(began.elapsed() < RetryPolicy::default().attempt_timeout, "{:?}", began.elapsed());
}

/// A server that does this with every connection; its port.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

#[tokio::test]
async fn what_no_connection_was_made_for_was_not_applied() {
    let garbage = server(async |mut stream| {
        let _ = stream.write_all(b"no TLS\r\n").await;
    });
    let silent = server(async |stream| {
        let _held = stream;
        std::future::pending::<()>().await;
    });
    // No resolver even asks for a label of this length.
    let unresolved = format!("http://{}.test", "a".repeat(64));
    for (kind, endpoint) in [
        (Kind::Unavailable, unresolved),
        (Kind::Unavailable, format!("https://127.0.0.1:{}", garbage.await)),
        (Kind::Timeout, format!("https://127.0.0.1:{}", silent.await)),
    ] {
        let aws = reached(endpoint.clone(), stubbed());
        let error = put(&aws).await.expect_err("no connection");
        let told = (error.kind(), error.is_retryable(), error.is_ambiguous());
        assert_eq!(told, (kind, true, false), "{endpoint}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_it_was_made_leaves_it_open_what_was_applied() {
    let breaking = server(async |mut stream| {
        let _ = stream.read(&mut [0; 1024]).await;
    });
    let aws = reached(format!("http://127.0.0.1:{}", breaking.await), stubbed());
    let error = put(&aws).await.expect_err("broken");
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Unavailable, true), "{error:?}");
}
