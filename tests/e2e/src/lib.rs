//! What the end-to-end tests stand on: examples as processes of their own, and clients for them.
//!
//! Everything here is for tests: what goes wrong panics, and says what the process had to say.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::print_stderr)]

pub mod aws;
pub mod azure;
mod client;
mod data;
pub mod gcp;
mod pattern;
pub mod photos;
pub mod pictures;
mod place;
mod process;
mod program;
mod raw;
pub mod tally;

use std::pin::pin;
use std::time::Duration;

pub use client::{Answer, Http, request};
pub use data::{Data, Open};
pub use pattern::Pattern;
pub use place::{Kind, Place};
pub use process::{Example, Finished, Running, peak_memory};
pub use raw::{Raw, status};

/// Runs a test, and fails it once it takes longer than `limit`.
///
/// # Panics
/// Once the time is over; what the test started ends while it panics, and so shows what it said.
pub async fn within<T>(limit: Duration, test: impl Future<Output = T>) -> T {
    let mut test = pin!(test);
    match tokio::time::timeout(limit, &mut test).await {
        Ok(done) => done,
        Err(_) => panic!("the test has not ended within {limit:?}"),
    }
}

/// Asks again and again until the answer is yes.
///
/// # Panics
/// Once `limit` is over, with `what` did not come true.
pub async fn until(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> bool) {
    let start = tokio::time::Instant::now();
    while !ask().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        // Another process is asked: there is no event to wait for.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
