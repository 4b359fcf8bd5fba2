//! Pushes of Pub/Sub: a message in JSON, or as the body itself with all else in headers.

use std::time::SystemTime;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use skyport_core::Result;
use skyport_core::clock::rfc3339;
use skyport_core::queue::port::Attributes;
use skyport_gcp_wire::message::PubsubMessage;

use super::malformed;

/// The longest id of a message, the longest path of a subscription, and the longest ordering key, in bytes.
const LONGEST: (usize, usize, usize) = (128, 512, 1_024);

/// The most attributes of a message, as Pub/Sub has it.
const MOST_ATTRIBUTES: usize = 100;

/// Pub/Sub pads; who pushes in its place need not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Push {
    /// The subscription's path, `projects/P/subscriptions/S`; empty where it is not told.
    pub(crate) subscription: String,
    /// The message.
    pub(crate) message: PubsubMessage,
}

impl Push {
    /// The subscription's own name.
    pub(crate) fn subscription_name(&self) -> &str {
        self.subscription.rsplit('/').next().unwrap_or_default()
    }
}

/// By what a wrapped push is known. The events of the first generation of Cloud Functions have a `context`.
#[derive(Deserialize)]
struct Probe {
    message: Option<IgnoredAny>,
    subscription: Option<String>,
    context: Option<IgnoredAny>,
}

/// As Pub/Sub writes it: some names in both fashions, and a client may write either.
#[derive(Deserialize)]
struct Wrapped {
    message: Message,
    #[serde(default)]
    subscription: String,
    #[serde(rename = "deliveryAttempt", default)]
    delivery_attempt: Option<u32>,
}

#[derive(Deserialize)]
struct Message {
    data: Option<String>,
    attributes: Option<Attributes>,
    #[serde(rename = "messageId")]
    id: Option<String>,
    #[serde(rename = "message_id")]
    snake_id: Option<String>,
    #[serde(rename = "publishTime")]
    published: Option<String>,
    #[serde(rename = "publish_time")]
    snake_published: Option<String>,
    #[serde(rename = "orderingKey")]
    ordering_key: Option<String>,
}

/// Whether a body is a wrapped push.
pub(crate) fn is_wrapped(body: &[u8]) -> bool {
    // Serde would take a list for a struct, too.
    let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    is_object
        && serde_json::from_slice::<Probe>(body).is_ok_and(|probe| {
            probe.message.is_some() && probe.subscription.is_some() && probe.context.is_none()
        })
}

/// The message of a wrapped push.
///
/// # Errors
/// `Malformed` where it has not the form of one; the error says which part.
pub(crate) fn wrapped(body: &[u8], now: SystemTime) -> Result<Push> {
    let wrapped: Wrapped = serde_json::from_slice(body)
        .map_err(|error| malformed(format!("the push is not as Pub/Sub writes it: {error}")))?;
    let message = wrapped.message;
    let data = BASE64.decode(message.data.unwrap_or_default());
    let data = data.map_err(|_| malformed("in the push `message.data` is not base64"))?;
    let id = message.id.or(message.snake_id).unwrap_or_default();
    let published = published(message.published.or(message.snake_published).as_deref(), now)?;
    let mut pushed = PubsubMessage::new(id, data, published);
    pushed.attributes = message.attributes.unwrap_or_default();
    pushed.ordering_key = message.ordering_key.unwrap_or_default();
    pushed.attempt = wrapped.delivery_attempt.unwrap_or_default();
    held(Push { subscription: wrapped.subscription, message: pushed })
}

/// The message of an unwrapped push. Its attributes stand among the headers, as what is not known to be a header of HTTP, of
/// Google or of a proxy; their names have come in lower case.
///
/// # Errors
/// `Malformed` where a header is not as Pub/Sub writes it.
pub(crate) fn unwrapped(headers: &HeaderMap, body: Bytes, now: SystemTime) -> Result<Push> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let time = Some(text("x-goog-pubsub-publish-time")).filter(|time| !time.is_empty());
    let id = text("x-goog-pubsub-message-id");
    let mut pushed = PubsubMessage::new(id, body, published(time, now)?);
    pushed.ordering_key = text("x-goog-pubsub-ordering-key").to_owned();
    let attempt = text("x-goog-pubsub-delivery-attempt");
    if !attempt.is_empty() {
        let number = attempt.parse();
        pushed.attempt = number.map_err(|_| malformed("x-goog-pubsub-delivery-attempt is no number"))?;
    }
    for (name, value) in headers {
        let name = name.as_str();
        if let (false, Ok(value)) = (is_http(name), std::str::from_utf8(value.as_bytes())) {
            pushed.attributes.insert(name.to_owned(), value.to_owned());
        }
    }
    held(Push { subscription: text("x-goog-pubsub-subscription-name").to_owned(), message: pushed })
}

/// Whether a header says something of the request, rather than of the message in it.
fn is_http(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "accept",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "from",
        "host",
        "keep-alive",
        "pragma",
        "referer",
        "te",
        "trailer",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    ];
    const BEGINNINGS: &[&str] =
        &["accept-", "content-", "x-goog-", "x-cloud-", "x-forwarded-", "x-serverless-", "x-request-id"];
    NAMES.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// When the message was published; `now` where that is not told.
fn published(time: Option<&str>, now: SystemTime) -> Result<SystemTime> {
    let Some(time) = time else { return Ok(now) };
    rfc3339(time)
        .ok_or_else(|| malformed("the time of the pushed message's publishing is no time of RFC 3339"))
}

/// The push, held to what Pub/Sub itself allows.
fn held(push: Push) -> Result<Push> {
    let message = &push.message;
    let id = &message.id;
    if id.is_empty() || id.len() > LONGEST.0 || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(malformed(format!(
            "the pushed message's id has not 1 to {} printable characters",
            LONGEST.0
        )));
    }
    if push.subscription.len() > LONGEST.1 || message.ordering_key.len() > LONGEST.2 {
        return Err(malformed("the push's subscription or its message's ordering key is too long"));
    }
    if message.attributes.len() > MOST_ATTRIBUTES {
        return Err(malformed(format!("the pushed message has more than {MOST_ATTRIBUTES} attributes")));
    }
    Ok(push)
}

#[cfg(test)]
mod tests;
