//! HTTP under Azure's clients: the transport is ours, and they repeat nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use azure_core::error::{Error, ErrorKind, Result};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::policies::Policy;
use azure_core::http::{AsyncRawResponse, Body, ClientOptions, HttpClient, Request, RetryOptions, Url};
use futures_util::StreamExt;
#[cfg(any(feature = "queue", feature = "kv"))]
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use incoming::{Incoming, Limit};
#[cfg(feature = "blob")]
pub(crate) use sender::Sender;

pub(crate) mod bearer;
#[cfg(any(feature = "queue", feature = "kv"))]
pub(crate) mod direct;
mod incoming;
mod names;
#[cfg(feature = "blob")]
mod sender;
pub(crate) mod shared_key;

/// So long the next bytes of an answer may take. How long the answer itself may is the layer `Retry`'s affair: a large body takes long to send.
const SILENCE: Duration = Duration::from_secs(20);

/// So long an idle connection without TLS is kept: Azurite closes its own after five seconds, perhaps just when the next request comes.
const EMULATORS_PATIENCE: Duration = Duration::from_secs(3);

/// So much of what a refusal says is read.
const MOST_OF_REFUSAL: usize = 64 << 10;

/// The longest answer that is read into memory: a page of a thousand blobs, or a thousand entities, has less.
#[cfg(any(feature = "blob", feature = "queue"))]
pub(crate) const MOST_OF_ANSWER: usize = 16 << 20;

/// The longest answer with a token.
const MOST_OF_TOKEN: usize = 64 << 10;

/// What stands as it is in the values of a query.
#[cfg(any(feature = "queue", feature = "kv"))]
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a client of Azure's is made with.
#[cfg(any(feature = "blob", feature = "queue"))]
pub(crate) fn options(transport: Arc<Transport>, policy: Option<Arc<dyn Policy>>) -> ClientOptions {
    with(Arc::new(Whole(transport)), policy)
}

/// What sends the calls of blobs that Azure's clients do not.
#[cfg(feature = "blob")]
pub(crate) fn sender(transport: &Arc<Transport>, policy: Option<Arc<dyn Policy>>) -> Sender {
    Sender::new(transport, policy)
}

/// As [`options`], for those who give tokens, whose answers are short.
pub(crate) fn token_options(transport: Arc<dyn HttpClient>) -> ClientOptions {
    with(Arc::new(Bounded { transport, most: MOST_OF_TOKEN }), None)
}

fn with(transport: Arc<dyn HttpClient>, policy: Option<Arc<dyn Policy>>) -> ClientOptions {
    ClientOptions {
        // It signs the time, too.
        per_try_policies: policy.into_iter().collect(),
        // The layer `Retry` repeats, since only it can tell whether a write whose answer was lost has been applied.
        retry: RetryOptions::none(),
        transport: Some(azure_core::http::Transport::new(transport)),
        ..ClientOptions::default()
    }
}

/// The HTTP client that all of a provider's resources share; made at the first request.
pub(crate) struct Transport {
    ca_certificates: Option<Vec<u8>>,
    client: OnceLock<Made>,
    plain: OnceLock<Made>,
}

/// A client, or why there is none.
type Made = std::result::Result<reqwest::Client, Unusable>;

/// Why no HTTP client can be made: what is configured is of no use.
#[derive(Clone, Debug)]
pub(crate) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// Why no client could be made, where an error tells of that. Nothing was sent then.
pub(crate) fn unusable<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Unusable> {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source()).take(32);
    causes.find_map(|cause| cause.downcast_ref())
}

impl Transport {
    pub(crate) fn new(ca_certificates: Option<Vec<u8>>) -> Self {
        Self { ca_certificates, client: OnceLock::new(), plain: OnceLock::new() }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client> {
        let client = if url.scheme() == "https" {
            self.client.get_or_init(|| self.make())
        } else {
            self.plain.get_or_init(make_plain)
        };
        let unmade = |error: &Unusable| {
            Error::with_error(ErrorKind::Other, error.clone(), "no HTTP client could be made")
        };
        client.as_ref().map_err(unmade)
    }

    fn make(&self) -> Made {
        let mut roots = skyport_https::roots();
        if let Some(pem) = &self.ca_certificates {
            let wrong = |why: &dyn fmt::Display| {
                let text = "the `ca_certificates` of AzureConfig cannot be used: give certificates in PEM";
                Unusable(format!("{text} ({why})"))
            };
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|why| wrong(&why))?).map_err(|why| wrong(&why))?;
                found = true;
            }
            if !found {
                return Err(wrong(&"there is none in it"));
            }
        }
        made(roots, |builder| builder)
    }
}

fn made(roots: RootCertStore, more: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Made {
    let failed = |why: &dyn fmt::Display| Unusable(format!("no HTTP client could be made: {why}"));
    let builder = skyport_https::builder(roots).map_err(|why| failed(&why))?;
    more(builder).build().map_err(|why| failed(&why))
}

/// Without TLS speak an emulator, and those who hand out tokens on a machine of Azure's: no proxy stands between them and a program.
fn make_plain() -> Made {
    made(RootCertStore::empty(), |builder| builder.pool_idle_timeout(EMULATORS_PATIENCE).no_proxy())
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    async fn execute(&self, request: &Request, limit: Limit) -> Result<AsyncRawResponse> {
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|error| Error::new(ErrorKind::DataConversion, error))?;
        let client = self.client(request.url())?;
        let mut ours = reqwest::Request::new(method, request.url().clone());
        ours.headers_mut().reserve(request.headers().iter().count());
        for (name, value) in request.headers().iter() {
            let value = reqwest::header::HeaderValue::from_str(value.as_str()).map_err(unsayable)?;
            let name = names::sent(name.as_str()).map_err(unsayable)?;
            ours.headers_mut().append(name, value);
        }
        *ours.body_mut() = Some(match request.body() {
            Body::Bytes(bytes) => bytes.clone().into(),
            Body::SeekableStream(stream) => reqwest::Body::wrap_stream(stream.clone()),
        });
        let answer = client.execute(ours).await.map_err(unanswered)?;
        let (status, headers) = (answer.status(), headers(answer.headers()));
        let limit = match limit {
            Limit::Cut(most) => Limit::Cut(most),
            _ if !status.is_success() => Limit::Cut(MOST_OF_REFUSAL),
            limit => limit,
        };
        let body = Incoming::new(answer.bytes_stream(), limit);
        Ok(AsyncRawResponse::new(status.as_u16().into(), headers, Box::pin(body)))
    }
}

#[async_trait::async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        self.execute(request, Limit::None).await
    }
}

/// The transport for Azure's clients, which read whole answers: so these have an end.
#[cfg(any(feature = "blob", feature = "queue"))]
#[derive(Debug)]
struct Whole(Arc<Transport>);

#[cfg(any(feature = "blob", feature = "queue"))]
#[async_trait::async_trait]
impl HttpClient for Whole {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        self.0.execute(request, Limit::Refuse(MOST_OF_ANSWER)).await
    }
}

/// Any transport with such an end.
#[derive(Debug)]
struct Bounded {
    transport: Arc<dyn HttpClient>,
    most: usize,
}

#[async_trait::async_trait]
impl HttpClient for Bounded {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        let (status, headers, body) = self.transport.execute_request(request).await?.deconstruct();
        let mut left = self.most;
        let body = body.map(move |chunk| {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len()).ok_or_else(incoming::too_much)?;
            Ok(chunk)
        });
        Ok(AsyncRawResponse::new(status, headers, Box::pin(body)))
    }
}

/// As Azure's clients take them. One that is not ASCII is read as UTF-8, as it was sent; one that is neither is left out.
pub(crate) fn headers(map: &reqwest::header::HeaderMap) -> Headers {
    let pair = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        let value = std::str::from_utf8(value.as_bytes()).ok()?.to_owned();
        Some((names::came(name), HeaderValue::from(value)))
    };
    let told = map.iter().filter(|(name, _)| !names::is_idle(name));
    let mut headers = HashMap::with_capacity(map.len());
    headers.extend(told.filter_map(pair));
    Headers::from(headers)
}

/// The text of a header. `Headers::get_optional_str` makes an error of each that is missing, with a text, and with the stack where the process
/// wants that: for the headers that are signed this would be half of a call.
pub(crate) fn header<'h>(headers: &'h Headers, name: &HeaderName) -> Option<&'h str> {
    headers.get_optional_with(name, |value| Ok::<_, Infallible>(value.as_str())).ok().flatten()
}

/// A request that has a header that HTTP cannot say. It was not sent.
fn unsayable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_error(ErrorKind::DataConversion, error, "the request to Azure cannot be said in HTTP")
}

/// A request that did not get through, or got no answer.
fn unanswered(error: reqwest::Error) -> Error {
    // Its text may hold a URL with a signature.
    let error = error.without_url();
    let kind = if error.is_connect() {
        ErrorKind::Connection
    } else if error.is_builder() {
        ErrorKind::DataConversion
    } else {
        ErrorKind::Io
    };
    Error::with_error(kind, error, "the request to Azure got no answer")
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;
    use skyport_core::ErrorKind as Kind;
    use skyport_stub::{answer, served};

    use super::*;
    use crate::error::of_azure;

    fn request(url: &str) -> Request {
        Request::new(Url::parse(url).expect("a URL"), Method::Get)
    }

    #[tokio::test]
    async fn a_connection_that_is_refused_is_told_at_once_without_its_url() {
        let error =
            Transport::new(None).execute_request(&request("http://127.0.0.1:1/c?sig=TOPSECRET")).await;
        let error = of_azure(error.expect_err("nobody is there"));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Unavailable, false), "{error}");
        assert!(error.message().contains("nothing listens"), "{error}");
        assert!(!format!("{error:?}{error:#?}").contains("TOPSECRET"));
    }

    #[tokio::test]
    async fn a_request_that_http_cannot_say_is_not_sent() {
        let mut odd = request("http://127.0.0.1:1/");
        odd.insert_header("x-ms-meta-a", HeaderValue::from("a\nb".to_owned()));
        let error = of_azure(Transport::new(None).execute_request(&odd).await.expect_err("no header"));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::InvalidArgument, false), "{error}");
    }

    #[tokio::test]
    async fn of_a_refusal_only_the_beginning_is_read_and_of_a_token_no_more_than_it_can_have() {
        let (url, _) = served(|asked, _| {
            let status = if asked.target == "/refused" { 400 } else { 200 };
            answer(status, vec![b'x'; MOST_OF_REFUSAL + 1])
        })
        .await;
        let transport: Arc<dyn HttpClient> = Arc::new(Transport::new(None));
        let refused = transport.execute_request(&request(&format!("{url}/refused"))).await.expect("answered");
        let read = refused.try_into_raw_response().await.expect("read");
        assert_eq!(read.body().as_ref().len(), MOST_OF_REFUSAL);
        let bounded = Bounded { transport, most: MOST_OF_TOKEN };
        let long = bounded.execute_request(&request(&url)).await.expect("answered");
        assert!(long.try_into_raw_response().await.is_err());
    }

    #[tokio::test]
    async fn certificates_that_are_none_are_told_at_the_first_request() {
        let broken = b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n".to_vec();
        let key = b"-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n".to_vec();
        for pem in [broken, key, b"/etc/ssl/ca.pem".to_vec(), Vec::new()] {
            let error = Transport::new(Some(pem)).execute_request(&request("https://127.0.0.1:1/")).await;
            let error = of_azure(error.expect_err("no certificate"));
            let told = (error.kind(), error.is_retryable(), error.is_ambiguous());
            assert_eq!(told, (Kind::InvalidArgument, false, false), "{error}");
            assert!(error.message().contains("`ca_certificates`"), "{error}");
        }
    }
}
