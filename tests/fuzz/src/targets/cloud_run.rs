//! Requests to Cloud Run: events among them.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use skyport_cloud_run::CloudRunConfig;
use skyport_cloud_run::fuzzing::front;
use skyport_core::Body;
use skyport_core::app::Invocation;
use skyport_core::http::{Request, Response};
use skyport_server::Intercepted;

use crate::bench::Stage;
use crate::{sound, text, worlds};

/// No answer of the adapter's own is longer.
const LONGEST: usize = 1 << 20;

pub(super) fn request(input: &[u8]) {
    if let Some(request) = text::request(input) {
        worlds::paused(answered(request.into()));
    }
}

pub(super) fn structured(input: &[u8]) {
    worlds::paused(answered(post("application/cloudevents+json", input)));
}

pub(super) fn batch(input: &[u8]) {
    worlds::paused(answered(post("application/cloudevents-batch+json", input)));
}

pub(super) fn push(input: &[u8]) {
    worlds::paused(answered(post("application/json", input)));
}

fn post(content_type: &'static str, body: &[u8]) -> Request {
    let mut request = http::Request::post("/").body(Body::from(body.to_vec())).expect("a request");
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    request.into()
}

/// An event is answered with one of the statuses that the adapter's documentation lists; the rest goes to its route whole.
async fn answered(request: Request) {
    let stage = Stage::set().await;
    let mut config = CloudRunConfig::default();
    config.queues = Some(Arc::new(stage.opener()));
    let front = front(Arc::clone(&stage.functions), &config).expect("serves");
    let mut invocation = Invocation::default();
    match front.intercept(request, &mut invocation).await {
        Intercepted::Answered(response) => {
            let status = response.status().as_u16();
            assert!([202, 204, 400, 404, 413, 415, 503].contains(&status), "{response:?}");
            told(response).await;
        }
        Intercepted::Passed(request) => told(stage.functions.http(request, invocation).await).await,
    }
}

/// What is refused is told as problem JSON, in a line.
pub(super) async fn told(response: Response) {
    let status = response.status();
    let is_problem =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    let body = response.into_body().collect(LONGEST).await.expect("a short body");
    if is_problem {
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("problem JSON");
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
        if let Some(detail) = problem["detail"].as_str() {
            sound::line(detail);
        }
    } else {
        assert!(status.as_u16() < 400, "an error is problem JSON: {status}");
    }
}
