//! Calls of the host of Azure Functions, and requests that it forwards.

use std::sync::Arc;

use serde_json::Value;
use skyport_azure_functions::AzureFunctionsConfig;
use skyport_azure_functions::fuzzing::front;
use skyport_core::Body;
use skyport_core::app::Invocation;
use skyport_core::http::Request;
use skyport_server::Intercepted;

use super::cloud_run::told;
use crate::bench::Stage;
use crate::{text, worlds};

/// No answer to a call is longer.
const LONGEST: usize = 8 << 20;

/// What the host says with each of its calls.
const CALL: [(&str, &str); 6] = [
    ("host", "127.0.0.1:41234"),
    ("x-azure-functions-hostversion", "4.1037.0"),
    ("x-azure-functions-invocationid", "6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11"),
    ("user-agent", "Azure-Functions-Host/4.1037.0"),
    ("transfer-encoding", "chunked"),
    ("content-type", "application/json; charset=utf-8"),
];

/// A call always has an answer that the host understands.
pub(super) fn call(input: &[u8]) {
    let (name, body) = text::line(input);
    let Ok(name) = std::str::from_utf8(name) else { return };
    let mut request = http::Request::post(format!("/{name}"));
    for (name, value) in CALL {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    worlds::paused(answered(request.into()));
}

/// A request of any kind: the host's call, one that is forwarded as it came, one of nobody's.
pub(super) fn request(input: &[u8]) {
    if let Some(request) = text::request(input) {
        worlds::paused(answered(request.into()));
    }
}

async fn answered(request: Request) {
    let stage = Stage::set().await;
    let front = front(Arc::clone(&stage.functions), &AzureFunctionsConfig::default());
    let mut invocation = Invocation::default();
    match front.intercept(request, &mut invocation).await {
        // The host asks whether anybody is there.
        Intercepted::Answered(response) if response.status() == 204 => {}
        Intercepted::Answered(response) => {
            assert!((200..600).contains(&response.status().as_u16()));
            let body = response.into_body().collect(LONGEST).await.expect("a short body");
            let answer: Value = serde_json::from_slice(&body).expect("an answer is JSON");
            assert!(answer["Outputs"].is_object(), "{answer}");
        }
        Intercepted::Passed(request) => told(stage.functions.http(request, invocation).await).await,
    }
}
