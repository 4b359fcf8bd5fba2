//! S3 as a script: what it is asked, and what it answers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, Method, Request, Response};
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::{Provider, ResourceUrl};

/// One request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    fn of(request: &Request<SdkBody>) -> Self {
        Self {
            method: request.method().clone(),
            target: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
            headers: request.headers().clone(),
            body: request
                .body()
                .bytes()
                .map_or_else(String::new, |body| String::from_utf8_lossy(body).into()),
        }
    }

    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Method and target in one, for comparisons.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target.replace("?x-id=", "?").replace("&x-id=", "&"))
    }
}

/// All that was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().iter().map(Asked::line).collect()
    }
}

/// The credentials of every stub.
pub(crate) fn credentials(expiry: Option<SystemTime>) -> Credentials {
    Credentials::new("AKIDSTUB", "the-secret", Some("the-session".to_owned()), expiry, "stub")
}

/// A bucket `b` whose every request is answered by `answer`, which is told how many came before.
pub(crate) fn bucket<A>(answer: A) -> (Arc<dyn BlobStore>, Log)
where
    A: Fn(&Asked, usize) -> Response<SdkBody> + Send + Sync + 'static,
{
    bucket_signed_by(credentials(Some(SystemTime::now() + Duration::from_secs(3_600))), answer)
}

/// As [`bucket`], with these credentials.
pub(crate) fn bucket_signed_by<A>(credentials: Credentials, answer: A) -> (Arc<dyn BlobStore>, Log)
where
    A: Fn(&Asked, usize) -> Response<SdkBody> + Send + Sync + 'static,
{
    let log = Log::default();
    let seen = log.clone();
    let client = infallible_client_fn(move |request| {
        let asked = Asked::of(&request);
        let before = {
            let mut all = seen.0.lock().unwrap();
            all.push(asked.clone());
            all.len() - 1
        };
        answer(&asked, before)
    });
    let mut config = AwsConfig::default();
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some("http://s3.test".to_owned());
    config.credentials = Some(SharedCredentialsProvider::new(credentials));
    config.http_client = Some(client);
    let store = Aws::with(config).bucket(&ResourceUrl::new("s3", "b")).expect("opens");
    (store, log)
}

/// An answer of this status without a body.
pub(crate) fn status(status: u16) -> Response<SdkBody> {
    Response::builder().status(status).body(SdkBody::empty()).unwrap()
}

/// An answer of this status and body.
pub(crate) fn answer(status: u16, body: impl Into<String>) -> Response<SdkBody> {
    Response::builder().status(status).body(SdkBody::from(body.into())).unwrap()
}

/// A refusal, as S3 writes it.
pub(crate) fn refusal(status: u16, code: &str) -> Response<SdkBody> {
    answer(status, format!("<Error><Code>{code}</Code><Message>It says no.</Message></Error>"))
}

/// An object's head, or its answer where `body` is not empty.
pub(crate) fn object(etag: &str, token: &str, body: &'static str) -> Response<SdkBody> {
    Response::builder()
        .header("etag", format!("\"{etag}\""))
        .header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("content-length", if body.is_empty() { 3 } else { body.len() })
        .header("content-type", "text/plain")
        .header("x-amz-meta-skyport_w", token)
        .header("x-amz-meta-who", "gr%C3%BC%C3%9Fe")
        .body(SdkBody::from(body))
        .unwrap()
}

/// An answer that tells only an etag.
pub(crate) fn written(etag: &str) -> Response<SdkBody> {
    Response::builder().header("etag", format!("\"{etag}\"")).body(SdkBody::empty()).unwrap()
}
