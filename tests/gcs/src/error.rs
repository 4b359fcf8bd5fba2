//! What is refused, in the forms in which Google says so: JSON, plain text where an object's bytes were asked for, XML.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::exchange::Reply;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// As the JSON API has it: `notFound`
    reason: &'static str,
    /// As the XML API has it: `NoSuchKey`
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(crate) fn new(
        status: u16,
        reason: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, reason, code, message: message.into(), headers: Vec::new() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", "InvalidArgument", message)
    }

    pub(crate) fn required(what: &str) -> Self {
        Self::new(400, "required", "InvalidArgument", format!("Required parameter: {what}"))
    }

    pub(crate) fn no_bucket() -> Self {
        Self::new(404, "notFound", "NoSuchBucket", "The specified bucket does not exist.")
    }

    pub(crate) fn no_object(bucket: &str, name: &str) -> Self {
        Self::new(404, "notFound", "NoSuchKey", format!("No such object: {bucket}/{name}"))
    }

    pub(crate) fn no_such_call() -> Self {
        Self::new(404, "notFound", "NoSuchKey", "Not Found")
    }

    pub(crate) fn condition() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold.";
        Self::new(412, "conditionNotMet", "PreconditionFailed", message)
    }

    pub(crate) fn not_modified() -> Self {
        Self::new(304, "notModified", "NotModified", "Not Modified")
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", "Conflict", message)
    }

    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(403, "forbidden", code, message)
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    fn reply(&self, content_type: &'static str, body: String) -> Reply {
        // Neither has a body.
        let bare = [StatusCode::NOT_MODIFIED, StatusCode::PERMANENT_REDIRECT].contains(&self.status);
        let mut reply = Reply::new(self.status);
        if !bare {
            reply = reply.header(CONTENT_TYPE, content_type).body(body);
        }
        for (name, value) in &self.headers {
            reply.headers.append(name.clone(), value.clone());
        }
        reply
    }

    pub(crate) fn json(&self) -> Reply {
        let (reason, message) = (self.reason, &self.message);
        let errors = json!([{ "message": message, "domain": "global", "reason": reason }]);
        let body = json!({ "error": { "code": self.status.as_u16(), "message": message, "errors": errors } });
        self.reply("application/json; charset=UTF-8", body.to_string())
    }

    /// What `alt=media` answers: no JSON.
    pub(crate) fn text(&self) -> Reply {
        self.reply("text/html; charset=UTF-8", self.message.clone())
    }

    pub(crate) fn xml(&self) -> Reply {
        let message = self.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let code = self.code;
        let body = format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        self.reply("application/xml; charset=UTF-8", body)
    }
}
