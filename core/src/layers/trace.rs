//! Tells of every call that reaches a provider.

use std::future::Future;

use tokio::time::Instant;

use super::around::{Around, Call};
use crate::{Error, Result};

/// One `tracing` event at debug level for each call: provider, resource, operation, bytes sent, items, time taken and
/// outcome (`ok`, or the error's kind). No keys, no bodies, no secrets.
///
/// The handles open a span for each operation; this tells of the attempts within it, so put it inside of
/// [`Retry`](super::Retry). Of a batch the first failure is the outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace;

impl Trace {
    /// Tells of every call.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

fn tell(call: Call<'_>, begun: Instant, failed: usize, error: Option<&Error>) {
    tracing::debug!(
        provider = call.provider,
        resource = call.resource,
        operation = call.operation,
        bytes = call.bytes,
        items = call.items,
        failed,
        elapsed_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        outcome = error.map_or("ok", |error| error.kind().as_str()),
        "call"
    );
}

impl Around for Trace {
    async fn one<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let begun = Instant::now();
        let answer = answer.await;
        tell(call, begun, usize::from(answer.is_err()), answer.as_ref().err());
        answer
    }

    async fn batch<T: Send>(
        &self,
        call: Call<'_>,
        answers: impl Future<Output = Vec<Result<T>>> + Send,
    ) -> Vec<Result<T>> {
        let begun = Instant::now();
        let answers = answers.await;
        let mut errors = answers.iter().filter_map(|answer| answer.as_ref().err());
        let first = errors.next();
        tell(call, begun, usize::from(first.is_some()) + errors.count(), first);
        answers
    }
}
