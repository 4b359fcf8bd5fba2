//! Answers on their way to the Runtime API.
//!
//! Not those of `lambda_runtime`: it writes the text of an error into the body of a response that breaks off.

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request};
use lambda_runtime::Diagnostic;
use lambda_runtime_api_client::Client;
use lambda_runtime_api_client::body::Body;
use skyport_core::{BoxError, Error};
use tokio::time::Instant;

use super::Answer;
use super::stream::{Stream, TRAILERS};
use crate::failure::Failure;

/// Names the delivery of an invocation; sent back, so that the answer to one that timed out is not taken for another's.
pub(crate) const DELIVERY: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");

const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

/// Posts the answer to an invocation. What goes wrong is logged: where the Runtime API is gone, the next poll ends the process.
/// A stream ends at the `deadline`.
pub(crate) async fn post(
    client: &Client,
    id: &str,
    delivery: Option<HeaderValue>,
    answer: Answer,
    deadline: Instant,
) {
    let request = match answer {
        Answer::Whole(json) => whole(&format!("invocation/{id}/response"), json, None),
        Answer::Streamed(prelude, body) => {
            streamed(&format!("invocation/{id}/response"), Stream::new(prelude, body, deadline))
        }
        Answer::Failed(failure) => {
            tracing::error!(error = failure.message(), "the invocation failed");
            error(&format!("invocation/{id}/error"), failure, "Unhandled")
        }
    };
    let sent = match request {
        Ok(mut request) => {
            request.headers_mut().extend(delivery.map(|delivery| (DELIVERY, delivery)));
            send(client, request).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::error!(
            error,
            "an answer did not reach the Runtime API; Lambda takes the invocation for failed"
        );
    }
}

/// Tells Lambda that the application cannot start.
///
/// # Errors
/// Where the Runtime API does not take it.
pub(crate) async fn init_error(client: &Client, cause: &Error) -> Result<(), BoxError> {
    let failure = Failure::from(Error::new(cause.kind(), cause.message().to_owned()));
    send(client, error("init/error", failure, "Skyport.Init")?).await
}

fn request(path: &str) -> http::request::Builder {
    Request::builder().method(Method::POST).uri(format!("/2018-06-01/runtime/{path}"))
}

fn whole(path: &str, json: Vec<u8>, kind: Option<&str>) -> Result<Request<Body>, BoxError> {
    let mut request = request(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(kind) = kind {
        request = request.header(ERROR_TYPE, kind);
    }
    Ok(request.body(Body::from(json))?)
}

fn error(path: &str, failure: Failure, kind: &str) -> Result<Request<Body>, BoxError> {
    whole(path, serde_json::to_vec(&Diagnostic::from(failure))?, Some(kind))
}

fn streamed(path: &str, stream: Stream) -> Result<Request<Body>, BoxError> {
    let mut request = request(path)
        .header(RESPONSE_MODE, "streaming")
        .header(header::CONTENT_TYPE, "application/vnd.awslambda.http-integration-response");
    for trailer in TRAILERS {
        request = request.header(header::TRAILER, HeaderValue::from(trailer));
    }
    Ok(request.body(Body::new(stream))?)
}

async fn send(client: &Client, request: Request<Body>) -> Result<(), BoxError> {
    let response = client.call(request).await?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(format!("the Runtime API answered {status}").into()) }
}
