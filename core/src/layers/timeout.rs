//! One limit for a whole call.

use std::future::Future;
use std::time::Duration;

use super::around::{Around, Call};
use crate::{Error, ErrorKind, Result};

/// Ends a call that takes longer than a limit with an error of kind `Timeout`, which is ambiguous for a write.
///
/// Outside of [`Retry`](super::Retry) it bounds the call with all its attempts; inside, it bounds each attempt, and the
/// retry layer reads back what a lost answer left open. In neither order does a call hang. A `receive` has its `wait` on
/// top of the limit. Of `get`, only the opening is bounded, not the stream.
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    limit: Duration,
}

impl Timeout {
    /// Bounds every call by `limit`.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }

    fn error(self, call: Call<'_>) -> Error {
        let text = format!(
            "not done within {:?}, the limit of the timeout layer; raise it or send less",
            self.limit
        );
        Error::new(ErrorKind::Timeout, text)
            .with_provider(call.provider)
            .with_operation(call.operation)
            .with_resource(call.resource)
    }
}

impl Around for Timeout {
    async fn one<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let limit = self.limit.saturating_add(call.wait);
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(self.error(call)),
        }
    }

    async fn batch<T: Send>(
        &self,
        call: Call<'_>,
        answers: impl Future<Output = Vec<Result<T>>> + Send,
    ) -> Vec<Result<T>> {
        match tokio::time::timeout(self.limit, answers).await {
            Ok(answers) => answers,
            Err(_) => (0..call.items).map(|_| Err(self.error(call))).collect(),
        }
    }
}
