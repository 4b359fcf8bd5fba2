//! gRPC to Pub/Sub and Firestore: channels that connect at their first call, and calls that say who calls.

use std::time::Duration;

use skyport_core::Error;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

pub(crate) use call::Call;
#[cfg(feature = "queue")]
pub(crate) use call::call;
pub(crate) use channels::Channels;

mod call;
mod channels;
mod codec;
#[cfg(feature = "queue")]
mod lanes;

/// A connection is asked so often whether it still stands, an idle one, too: one which a router forgot is then noticed before the
/// next call. Google's front ends take no more than one such question in 30 seconds, and Google's own SDK asks an idle
/// connection every 60.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long the answer to that may take: less than an attempt of a call may, so that the next attempt has a new connection.
const KEEP_ALIVE_PATIENCE: Duration = Duration::from_secs(4);

/// What one stream and one connection may have under way: a batch of messages or items in one piece.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The longest headers of an answer: what became of each of many deliveries is told there, in base64.
const HEADERS: u32 = 128 << 10;

/// A channel to an endpoint. No I/O.
pub(crate) fn channel(endpoint: &str) -> Result<Channel, tonic::transport::Error> {
    let channel = Endpoint::from_shared(endpoint.to_owned())?
        .connect_timeout(skyport_https::CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .keep_alive_timeout(KEEP_ALIVE_PATIENCE)
        .http2_max_header_list_size(HEADERS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let channel = if endpoint.starts_with("https://") {
        channel.tls_config(ClientTlsConfig::new().with_enabled_roots())?
    } else {
        channel
    };
    Ok(channel.connect_lazy())
}

/// Why a request was not sent: it is the source of the status that tonic makes of it, and found there again.
#[derive(Debug)]
pub(crate) struct Unsent(pub(crate) Error);

impl std::fmt::Display for Unsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Unsent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
