//! The call that an invocation makes.

use std::time::Duration;

use lambda_runtime::Context;
use skyport_aws_wire::xray;
use skyport_core::app::Invocation;
use skyport_core::clock::from_millis;
use skyport_core::{Clock, Shutdown};

/// What is kept of the platform's time to post what became of the invocation, beyond what the dispatcher keeps.
const POST_TIME: Duration = Duration::from_millis(50);

/// The call: the request's id, the platform's deadline, and the trace of X-Ray where there is one.
pub(crate) fn invocation(context: &Context) -> Invocation {
    let mut invocation = Invocation::default();
    if !context.request_id.is_empty() {
        invocation.id.clone_from(&context.request_id);
    }
    let deadline = Clock::system().instant_at(from_millis(context.deadline));
    invocation.deadline = Some(deadline.checked_sub(POST_TIME).unwrap_or(deadline));
    if let Some(trace) = context.xray_trace_id.as_deref().and_then(xray::read) {
        invocation.trace = trace;
    }
    invocation.cancellation = Shutdown::new();
    invocation
}
