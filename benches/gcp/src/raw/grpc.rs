//! Channels with the provider's settings, written again by hand.

use std::time::Duration;

use skyport_measure::Outcome;
use tonic::transport::{Channel, Endpoint};

/// A channel that connects at its first call.
///
/// # Errors
/// Where the endpoint is none.
pub fn channel(endpoint: &str) -> Outcome<Channel> {
    Ok(Endpoint::from_shared(endpoint.to_owned())?
        .connect_timeout(skyport_https::CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(60))
        .keep_alive_while_idle(true)
        .keep_alive_timeout(Duration::from_secs(4))
        .http2_max_header_list_size(128 << 10)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        .connect_lazy())
}
