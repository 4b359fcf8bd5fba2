//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
#[cfg(feature = "http2")]
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
#[cfg(feature = "http2")]
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ServerConfig;
use crate::io::{Stream, Version, sniff};
use crate::pulse::Pulse;
use crate::service::{Shared, answer, turned_away};
#[cfg(feature = "http2")]
use crate::stall::requests::Requests;

/// The smallest buffer that hyper takes for a connection.
const SMALLEST_BUFFER: usize = 8 << 10;

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may take to say so.
#[cfg(feature = "http2")]
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// Serves a connection until it ends, is idle for too long, or the server shuts down and it has no request left.
pub(crate) async fn serve(shared: Arc<Shared>, tcp: TcpStream, peer: SocketAddr) {
    converse(shared, tcp, peer, Attitude::Serves).await;
}

/// Answers the first request of a connection that is one too many with a 503, and closes it.
pub(crate) async fn turn_away(shared: Arc<Shared>, tcp: TcpStream, peer: SocketAddr) {
    converse(shared, tcp, peer, Attitude::TurnsAway).await;
}

/// What a client is to get on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attitude {
    Serves,
    TurnsAway,
}

async fn converse(shared: Arc<Shared>, mut tcp: TcpStream, peer: SocketAddr, attitude: Attitude) {
    let config = &shared.config;
    // Small answers at once; where this cannot be had the connection works all the same.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no delay could not be set");
    }
    let sniffed = tokio::select! {
        biased;
        () = shared.stop.triggered() => return,
        sniffed = timeout(config.header_read_timeout, sniff(&mut tcp)) => sniffed,
    };
    let (version, begun) = match sniffed {
        Ok(Ok(Some(sniffed))) => sniffed,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "a connection broke off before it began"),
        Err(_) => return tracing::debug!(%peer, "a client took too long for its first bytes"),
    };
    let header = (version == Version::Http1).then_some(config.header_read_timeout);
    let pulse = Pulse::new(header, config.keep_alive);
    let stream = TokioIo::new(Stream::new(begun, tcp, Arc::clone(&pulse), config.stall_timeout));
    let service = service_fn(|request: http::Request<Incoming>| {
        let (shared, busy) = (Arc::clone(&shared), pulse.begin());
        async move {
            Ok::<_, Infallible>(match attitude {
                Attitude::Serves => answer(shared, request, busy).await,
                Attitude::TurnsAway => turned_away(request, &shared.config, busy),
            })
        }
    });
    match version {
        Version::Http1 => {
            let connection = http1(config).serve_connection(stream, service);
            drive(connection, version, attitude, &pulse, &shared, peer).await;
        }
        #[cfg(feature = "http2")]
        Version::Http2 => {
            let connection = http2(config).serve_connection(stream, service);
            drive(connection, version, attitude, &pulse, &shared, peer).await;
        }
    }
}

fn http1(config: &ServerConfig) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Clients may close their half once they have asked; the pulse has the times.
        .half_close(true)
        .header_read_timeout(None)
        .max_header_size(config.max_header_bytes)
        .max_buf_size(config.max_header_bytes.max(SMALLEST_BUFFER))
        .timer(TokioTimer::new());
    builder
}

#[cfg(feature = "http2")]
fn http2(config: &ServerConfig) -> http2::Builder<Requests> {
    let mut builder = http2::Builder::new(Requests { limit: config.stall_timeout });
    builder
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1)
        .timer(TokioTimer::new());
    builder
}

async fn drive<C>(
    connection: C,
    version: Version,
    attitude: Attitude,
    pulse: &Pulse,
    shared: &Shared,
    peer: SocketAddr,
) where
    C: GracefulConnection + Future<Output = Result<(), <C as GracefulConnection>::Error>>,
    <C as GracefulConnection>::Error: StdError,
{
    let mut connection = pin!(connection);
    let mut closing = false;
    if attitude == Attitude::TurnsAway && version != Version::Http1 {
        // What is asked already is answered, and no more is to be asked. Over HTTP/1 the answer says so.
        closing = true;
        pulse.close();
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    let source = error.source().map(ToString::to_string);
                    tracing::debug!(%peer, %error, source, "a connection broke off");
                }
                return;
            }
            () = shared.stop.triggered(), if !closing => {
                closing = true;
                pulse.close();
                connection.as_mut().graceful_shutdown();
            }
            () = pulse.overdue() => {
                tracing::debug!(%peer, "a connection was silent for too long");
                // Over HTTP/2 it is said that no more requests are taken; a client that ignores this is cut off.
                if version == Version::Http1 || closing {
                    return;
                }
                closing = true;
                pulse.rest();
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
