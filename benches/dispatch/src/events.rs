//! One event of each kind, and the road that the adapters take with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use skyport_core::Body;
use skyport_core::app::{Event, Functions, HandlerError, Invocation};
use skyport_core::event::{BlobChange, BlobEvent, ScheduleEvent};
use skyport_core::http::{Request, Response};
use skyport_core::queue::port::{RawDelivery, Receipt};
use skyport_measure::Outcome;

use crate::application::Letter;

/// How many messages one call delivers, where it delivers several.
pub const MESSAGES: usize = 10;

/// A message's body on the wire.
pub const LETTER: &str = r#"{"to":"Ada","number":7}"#;

/// A request with the headers of a usual client.
///
/// # Errors
/// Where the path is none.
pub fn request(method: Method, path: &str, body: impl Into<Body>) -> Outcome<Request> {
    let request = http::Request::builder().method(method).uri(path);
    let request =
        request.header("host", "localhost").header("user-agent", "curl/8.5.0").header("accept", "*/*");
    Ok(Request::from(request.body(body.into())?))
}

/// Messages as a provider hands them over.
#[must_use]
pub fn deliveries(count: usize) -> Vec<RawDelivery> {
    let sent = SystemTime::now();
    (0..count).map(|_| RawDelivery::new("7", LETTER, Receipt::new("receipt"), sent)).collect()
}

/// A change of a bucket.
#[must_use]
pub fn change() -> BlobEvent {
    BlobEvent::new(BlobChange::Created, "files", "photos/cat.jpg", SystemTime::now())
}

/// A schedule's instant.
#[must_use]
pub fn instant() -> ScheduleEvent {
    ScheduleEvent::new(UNIX_EPOCH + Duration::from_secs(60))
}

/// Reads what [`LETTER`] is, as a direct call has to.
///
/// # Errors
/// Where it is no letter.
pub fn letter(delivery: &RawDelivery) -> Outcome<Letter> {
    Ok(serde_json::from_slice(&delivery.body)?)
}

/// A handler's error, which is no std error, as one.
#[must_use]
pub fn failed(error: HandlerError) -> Box<dyn std::error::Error + Send + Sync> {
    error.to_string().into()
}

/// Through the dispatcher, as the adapters call it; the length of the answer.
///
/// # Errors
/// Where the answer is not a good one.
pub async fn http(functions: &Functions, request: Request) -> Outcome<usize> {
    answered(functions.http(request, Invocation::default()).await)
}

/// The length of a good answer's body.
///
/// # Errors
/// Where the answer is not a good one.
pub fn answered(response: Response) -> Outcome<usize> {
    if response.status() != http::StatusCode::OK {
        return Err(format!("answered {}", response.status()).into());
    }
    response
        .into_body()
        .try_into_bytes()
        .map(|bytes| bytes.len())
        .map_err(|_| "answered with a stream".into())
}

/// Messages to the function of this name.
///
/// # Errors
/// Where one of them is not done.
pub async fn deliver(functions: &Functions, name: &str, deliveries: Vec<RawDelivery>) -> Outcome<usize> {
    let function = functions.function(name)?;
    let outcomes = functions.deliver(function, deliveries, Invocation::default()).await?;
    match outcomes.iter().all(skyport_core::Outcome::is_done) {
        true => Ok(outcomes.len()),
        false => Err(format!("{outcomes:?}").into()),
    }
}

/// An event to the function of this name.
///
/// # Errors
/// Where it is not done.
pub async fn event(functions: &Functions, name: &str, event: Event) -> Outcome<usize> {
    let outcome = functions.event(functions.function(name)?, event, Invocation::default()).await?;
    if outcome.is_done() { Ok(1) } else { Err(format!("{outcome:?}").into()) }
}
