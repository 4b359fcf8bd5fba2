//! Trace context enters with every event and leaves with every message.

use std::sync::Arc;

use super::stage::Stage;
use super::trigger_cases;
use crate::{CaseResult, Outcome};

trigger_cases![a_trace_goes_from_a_request_through_its_message_to_the_handler];

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

async fn a_trace_goes_from_a_request_through_its_message_to_the_handler(stage: Arc<Stage>) -> CaseResult {
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let job = r#"{"name":"traced","act":"Fatal"}"#;
    assert_eq!(stage.request("POST", "/enqueue", &headers, job).await?.status(), 202);
    assert_eq!(stage.journal.wait("enqueue", 1).await?[0].trace_id, TRACE);
    assert_eq!(stage.journal.wait("job", 1).await?[0].trace_id, TRACE);
    let letter = stage.dead_letter(&stage.jobs).await?;
    assert_eq!(letter.trace().map(skyport_core::TraceContext::trace_id), Some(TRACE));
    let untraced = [("content-type", "application/json"), ("traceparent", "nonsense")];
    let job = r#"{"name":"fresh","act":"Succeed"}"#;
    assert_eq!(stage.request("POST", "/enqueue", &untraced, job).await?.status(), 202);
    let calls = stage.journal.wait("job", 2).await?;
    assert!(calls[1].trace_id != 0 && calls[1].trace_id != TRACE, "{calls:?}");
    Ok(Outcome::Passed)
}
