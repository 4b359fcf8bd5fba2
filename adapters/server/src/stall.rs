//! HTTP/2 responses that their client does not take in.
//!
//! Over HTTP/2 a client may hold a single response back by its window, while the connection is well and its pings are answered:
//! hyper waits for that window for as long as it takes, and what the request holds stays held. So each request is watched by
//! itself, and ended by itself: other requests of the connection, which through a proxy are other people's, go on.

use std::cell::Cell;

use bytes::Bytes;
use tokio::time::Instant;

#[cfg(feature = "http2")]
pub(crate) mod requests;

/// A response goes out in pieces of no more than this, which is a frame, so that a slow client is seen to take it in.
const PIECE: usize = 16 << 10;

tokio::task_local! {
    /// Since when a piece of this request's response waits for its client. Of a request that is watched: elsewhere it is not set.
    static WAITS: Cell<Option<Instant>>;
}

/// The connection asks for the next piece: it has room for one, so that none waits. What is slow to come from here on is the handler's.
pub(crate) fn asked() {
    wait(None);
}

/// Takes the next piece off `bytes`; it waits for the client until the next is asked for. Over HTTP/1 that is all of them, as
/// there the socket tells of what is not taken.
pub(crate) fn piece(bytes: &mut Bytes) -> Bytes {
    let length = if wait(Some(Instant::now())) { bytes.len().min(PIECE) } else { bytes.len() };
    bytes.split_to(length)
}

/// Whether this is a request that is watched.
fn wait(since: Option<Instant>) -> bool {
    WAITS.try_with(|waits| waits.set(since)).is_ok()
}
