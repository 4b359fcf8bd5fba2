//! For the fuzz targets in `tests/fuzz`, and nobody else: the way of an event, without Lambda around it.

use std::sync::Arc;

use lambda_runtime::Context;
use skyport_core::app::Functions;
use skyport_core::{Body, Result};

use crate::LambdaConfig;
use crate::reply::Answer;
use crate::served::Served;

/// What an invocation is answered with.
#[derive(Debug)]
pub enum Answered {
    /// JSON, whole.
    Whole(Vec<u8>),
    /// A response as a stream: its prelude, and its body.
    Streamed(Vec<u8>, Body),
    /// It failed, in these words.
    Failed(String),
}

/// Answers one event, which has until `deadline`, in milliseconds since 1970.
///
/// # Errors
/// `NotFound` where the config names a function that is not there.
pub async fn answer(
    functions: Arc<Functions>,
    config: LambdaConfig,
    deadline: u64,
    payload: &[u8],
) -> Result<Answered> {
    let served = Served::new(functions, config)?;
    let mut context = Context::default();
    "fuzz".clone_into(&mut context.request_id);
    context.deadline = deadline;
    Ok(match crate::answer::answer(&served, &context, payload).await {
        Answer::Whole(json) => Answered::Whole(json),
        Answer::Streamed(prelude, body) => Answered::Streamed(prelude, body),
        Answer::Failed(failure) => Answered::Failed(failure.message().to_owned()),
    })
}
