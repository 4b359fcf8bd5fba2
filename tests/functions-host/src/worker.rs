//! The program that is called: ready where it answers `GET /`, and called over HTTP.
//!
//! From `DefaultHttpWorkerService.cs` (`IsWorkerReady`, `AddHeaders`), `HttpWorkerConstants.cs` and `WorkerConstants.cs` of azure-functions-host. As .NET's client
//! (`SocketsHttpHandler`), it keeps connections for a minute and uses the latest again that is free; one that has ended meanwhile is replaced.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::fault::{Fault, Result};

/// What the host says it is.
pub const HOST_VERSION: &str = "4.1042.100.1";

/// `X-Azure-Functions-InvocationId`
pub const INVOCATION_ID: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");

pub(crate) const VERSION: HeaderName = HeaderName::from_static("x-azure-functions-hostversion");

/// `WorkerReadyCheckPollingIntervalMilliseconds`
const BETWEEN_PINGS: Duration = Duration::from_millis(25);

/// A body on its way to the program.
pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// `PooledConnectionIdleTimeout`
const IDLE: Duration = Duration::from_secs(60);

/// The program, where it listens. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Worker {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// A connection that has begun its last request.
#[derive(Debug)]
struct Kept {
    sender: SendRequest<Body>,
    since: Instant,
}

/// Why there was no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Nobody listens there.
    Refused(std::io::Error),
    /// The connection broke.
    Broken(hyper::Error),
}

impl Worker {
    /// The program that listens there.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { address, kept: Arc::default() }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it is ready. Any answer will do, and any failure but a connection that is refused.
    ///
    /// # Errors
    /// Where that takes longer than `within`; the host's own limit is 30 seconds.
    pub async fn ready(&self, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        loop {
            let ping = Request::get("/").header(http::header::HOST, self.address.to_string());
            let ping = ping.body(empty()).map_err(|error| Fault::because("no ping", error))?;
            match tokio::time::timeout_at(end, self.send(ping)).await {
                Ok(Err(Unanswered::Refused(_))) if Instant::now() < end => {
                    tokio::time::sleep(BETWEEN_PINGS).await
                }
                Ok(Ok(_) | Err(Unanswered::Broken(_))) => return Ok(()),
                _ => {
                    return Err(Fault::new(
                        "the program was not ready in time: it must answer `GET /` on its port",
                    ));
                }
            }
        }
    }

    /// Sends a request over a connection that is free, or over a new one.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> std::result::Result<Response<Incoming>, Unanswered> {
        let mut request = request;
        while let Some(sender) = self.free() {
            match self.send_over(sender, request).await {
                Ok(answered) => return Ok(answered),
                // It had ended, and nothing was sent.
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(Unanswered::Broken(error)),
            }
        }
        let sender = self.connect().await?;
        self.send_over(sender, request).await.map_err(|(error, _)| Unanswered::Broken(error))
    }

    /// Sends a request over this connection, which is kept; where nothing was sent, the request comes back.
    pub(crate) async fn send_over(
        &self,
        mut sender: SendRequest<Body>,
        request: Request<Body>,
    ) -> std::result::Result<Response<Incoming>, (hyper::Error, Option<Request<Body>>)> {
        let answered = sender.try_send_request(request).await.map_err(|mut error| {
            let unsent = error.take_message();
            (error.into_error(), unsent)
        })?;
        // It is free once the body was read.
        self.kept().push(Kept { sender, since: Instant::now() });
        Ok(answered)
    }

    /// The latest connection that is free.
    pub(crate) fn free(&self) -> Option<SendRequest<Body>> {
        let mut kept = self.kept();
        kept.retain(|one| !one.sender.is_closed() && (!one.sender.is_ready() || one.since.elapsed() < IDLE));
        let at = kept.iter().rposition(|one| one.sender.is_ready())?;
        Some(kept.remove(at).sender)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> std::result::Result<SendRequest<Body>, Unanswered> {
        let stream = TcpStream::connect(self.address).await.map_err(Unanswered::Refused)?;
        let mut client = hyper::client::conn::http1::Builder::new();
        client.preserve_header_case(true);
        let (sender, connection) =
            client.handshake(TokioIo::new(stream)).await.map_err(Unanswered::Broken)?;
        // It ends with its sender, and what it answers last.
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the program does not listen: {error}"),
            Self::Broken(error) => write!(f, "the program broke off: {error}"),
        }
    }
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// The headers of a call that the host writes itself: behind those that are there, as `HttpRequestHeaders.Add` has it.
pub(crate) fn append_headers(headers: &mut HeaderMap, invocation: &str) -> Result<()> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Fault::because("no header", error));
    headers.append(VERSION, HeaderValue::from_static(HOST_VERSION));
    headers.append(INVOCATION_ID, value(invocation)?);
    headers.append(http::header::USER_AGENT, value(&format!("Azure-Functions-Host/{HOST_VERSION}"))?);
    Ok(())
}

/// Joins what stands in several lines: .NET's client writes one for each name. `User-Agent` is joined by spaces, cookies by semicolons.
pub(crate) fn join_lines(headers: &HeaderMap) -> HeaderMap {
    let mut joined = HeaderMap::new();
    for name in headers.keys() {
        let separator: &[u8] = match name.as_str() {
            "user-agent" => b" ",
            "cookie" => b"; ",
            _ => b", ",
        };
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        // What was valid before is so when it is joined.
        if let Ok(value) = HeaderValue::from_bytes(&values.join(separator)) {
            joined.insert(name.clone(), value);
        }
    }
    joined
}

/// The id of a call.
pub(crate) fn new_id() -> String {
    let bits = fastrand::u128(..);
    let [a, b, c, d, e] =
        [bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xfff, bits >> 48 & 0x3fff, bits & 0xffff_ffff_ffff];
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{e:012x}", d | 0x8000)
}
