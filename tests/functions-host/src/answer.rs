//! What the program answers to a call with data, read as the host reads it.
//!
//! From `DefaultHttpWorkerService.cs` (`ProcessDefaultInvocationRequest`, `GetHttpScriptInvocationResult`) and `HttpScriptInvocationResult.cs` of
//! azure-functions-host, and from `HttpContentExtensions.ReadAsAsync` of Microsoft.AspNet.WebApi.Client, which chooses a formatter by the content type: without one,
//! or with any but JSON, the call has failed. What deserialises to null has neither failed nor succeeded: nothing sets the result, and the call ends with the
//! function's time.
//!
//! Stricter than the host in one thing: it follows redirects, and here they fail.

use http::StatusCode;
use serde_json::{Map, Value};

use crate::fault::{Fault, Result};

/// How a call went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// It succeeded, with this.
    Done(Outcome),
    /// The host got nothing that it could end the call by: it waits until the function's time is over.
    Never,
}

/// What a successful call gave.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// By the names of output bindings.
    pub outputs: Map<String, Value>,
    /// For the output binding `$return`.
    pub return_value: Value,
    /// Lines for the log.
    pub logs: Vec<String>,
}

/// Reads an answer.
///
/// # Errors
/// Where the call has failed.
pub(crate) fn read(status: StatusCode, content_type: Option<&str>, body: &[u8]) -> Result<Answer> {
    if !status.is_success() {
        return Err(Fault::new(format!("the program answered {status}")));
    }
    let media =
        content_type.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
    let json = media.as_deref().is_some_and(|media| matches!(media, "application/json" | "text/json"));
    if body.is_empty() {
        return Ok(Answer::Never);
    }
    if !json {
        return Err(Fault::new(format!("no formatter reads an answer of the type {media:?}")));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Ok(Answer::Never),
        Ok(Value::Object(object)) => Ok(Answer::Done(outcome(&object)?)),
        Ok(_) => Err(Fault::new("the answer is no object")),
        Err(error) => Err(Fault::because("the answer is no JSON", error)),
    }
}

/// Names are compared without case, as Newtonsoft does; of two that are the same the later counts.
fn outcome(object: &Map<String, Value>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (name, value) in object {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("outputs", Value::Object(outputs)) => outcome.outputs = outputs.clone(),
            ("returnvalue", value) => outcome.return_value = value.clone(),
            ("logs", Value::Array(lines)) => outcome.logs = lines.iter().map(line).collect::<Result<_>>()?,
            ("outputs" | "logs", Value::Null) => {}
            ("outputs" | "logs", _) => return Err(Fault::new(format!("`{name}` is of the wrong type"))),
            _ => {}
        }
    }
    Ok(outcome)
}

fn line(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Fault::new("a line of `Logs` is no text")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    fn answered(content_type: Option<&str>, body: &str) -> Result<Answer> {
        read(StatusCode::OK, content_type, body.as_bytes())
    }

    #[test]
    fn an_object_of_json_is_success() {
        let whole = r#"{"Outputs":{"res":{"statusCode":"201"}},"Logs":["one"],"ReturnValue":null}"#;
        let Ok(Answer::Done(outcome)) = answered(JSON, whole) else { unreachable!("it is well-formed") };
        assert_eq!((outcome.outputs.len(), outcome.logs.as_slice()), (1, &["one".to_owned()][..]));
        for body in ["{}", r#"{"outputs":null,"logs":null}"#, r#"{"returnvalue":{"a":1},"other":[1]}"#] {
            assert!(matches!(answered(Some("text/json"), body), Ok(Answer::Done(_))), "{body}");
        }
        assert!(matches!(read(StatusCode::ACCEPTED, JSON, b"{}"), Ok(Answer::Done(_))));
    }

    #[test]
    fn nothing_and_null_never_end_the_call() {
        assert_eq!(answered(JSON, ""), Ok(Answer::Never));
        assert_eq!(answered(None, ""), Ok(Answer::Never));
        assert_eq!(answered(JSON, "null"), Ok(Answer::Never));
        assert_eq!(read(StatusCode::NO_CONTENT, None, b""), Ok(Answer::Never));
    }

    #[test]
    fn all_else_fails_the_call() {
        assert!(answered(Some("text/plain"), "{}").is_err());
        assert!(answered(None, "{}").is_err());
        assert!(answered(Some("application/problem+json"), "{}").is_err());
        for body in ["[]", "\"text\"", "5", "{", "{\"Outputs\":[]}", "{\"Logs\":\"one\"}", "{\"Logs\":[{}]}"]
        {
            assert!(answered(JSON, body).is_err(), "{body}");
        }
        for status in [StatusCode::FOUND, StatusCode::BAD_REQUEST, StatusCode::INTERNAL_SERVER_ERROR] {
            assert!(read(status, JSON, b"{}").is_err(), "{status}");
        }
    }
}
