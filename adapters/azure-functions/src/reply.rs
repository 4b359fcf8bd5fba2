//! From outcomes to the wire. The host wants JSON: an object with a status of success, or any other status. On an answer that is neither
//! it waits for ever, or takes success for failure.

pub(crate) mod http;

use ::http::StatusCode;
use bytes::Bytes;
use skyport_core::Error;
use skyport_core::http::Response;

/// What the host takes for "done".
const DONE: &str = r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#;

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done: a message is deleted, an event never comes again.
    Done,
    /// It is not what it claims to be, and why: the host counts a failure.
    Refused(StatusCode, String),
    /// No function of this program is for it.
    Nobody(String),
    /// It failed, and is to come again.
    Again,
    /// A request in the wrapped form is answered, with this JSON.
    Request(Bytes),
}

impl Answer {
    /// A call that cannot be read, in the words of whoever found out.
    pub(crate) fn malformed(error: &Error) -> Self {
        Self::Refused(StatusCode::BAD_REQUEST, error.message().to_owned())
    }

    /// The response. Of a failure the host reads nothing but the status: what went wrong is logged.
    pub(crate) fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Done => (StatusCode::OK, Bytes::from_static(DONE.as_bytes())),
            Self::Request(json) => (StatusCode::OK, json),
            Self::Refused(status, why) => {
                tracing::warn!(%status, why, "a call of the host was refused");
                (status, Bytes::from_static(DONE.as_bytes()))
            }
            Self::Nobody(why) => {
                tracing::error!(why, "a call came that no function of this program is for");
                (StatusCode::NOT_FOUND, Bytes::from_static(DONE.as_bytes()))
            }
            Self::Again => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from_static(DONE.as_bytes())),
        };
        Response::new(status).with_content_type("application/json").with_body(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn every_answer_is_an_object_of_json_and_its_status_says_what_the_host_does() {
        let secret = || "the functions are alpha and beta".to_owned();
        for (answer, status) in [
            (Answer::Done, 200),
            (Answer::Request(Bytes::from_static(b"{\"Outputs\":{}}")), 200),
            (Answer::Refused(StatusCode::BAD_REQUEST, secret()), 400),
            (Answer::Nobody(secret()), 404),
            (Answer::Again, 500),
        ] {
            let response = answer.into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()["content-type"], "application/json");
            let body = response.into_body().collect(4_096).await.expect("small");
            let value: Value = serde_json::from_slice(&body).expect("JSON");
            assert!(value["Outputs"].is_object() && !value.to_string().contains("alpha"), "{value}");
        }
    }
}
