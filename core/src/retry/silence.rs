//! Calls that are not answered.

use std::time::Duration;

use tokio::time::timeout;

use crate::{Error, ErrorKind, Result};

/// What a call comes to, or `Timeout` where that takes longer than `limit`: it may have been carried out all the same. For calls that no layer
/// bounds, as those in a task of their own. `what` tells what was not answered, as in "SQS did not answer a receive".
///
/// # Errors
/// The call's own, or `Timeout`.
pub async fn answered<T>(limit: Duration, what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(limit, call).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::new(ErrorKind::Timeout, format!("{what} within {limit:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_with_the_limit_and_leaves_in_doubt_what_was_done() {
        let limit = Duration::from_secs(10);
        let answer = answered(limit, "it did not answer", async { Ok(1) }).await;
        assert_eq!(answer.expect("an answer"), 1);
        let refused =
            answered(limit, "it did not answer", async { Err::<(), _>(Error::invalid("no")) }).await;
        assert_eq!(refused.expect_err("its own").kind(), ErrorKind::InvalidArgument);
        let silent = answered::<()>(limit, "it did not answer", std::future::pending()).await;
        let error = silent.expect_err("no answer");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "it did not answer within 10s"));
        assert!(error.is_retryable() && error.is_ambiguous());
    }
}
