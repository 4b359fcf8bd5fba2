//! Notifications on their way to Pub/Sub, by its REST API.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};

use crate::notifications::Message;

/// So many go out at once, in no order: as the service's own.
const AT_ONCE: usize = 16;
/// The service tries for days; a test does not.
const TRIES: u32 = 6;
/// Before the second try; twice as long before each one after.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest that one try takes.
const LIMIT: Duration = Duration::from_secs(30);
/// The most of an answer.
const MOST_ANSWER: usize = 1 << 20;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Publishes all that come, where there is Pub/Sub.
pub(crate) async fn all(mut messages: mpsc::Receiver<Message>, pubsub: Option<String>) {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(message) = messages.recv().await {
        let Some(pubsub) = pubsub.clone() else {
            tracing::debug!(topic = message.topic, "there is no Pub/Sub to tell");
            continue;
        };
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        tokio::spawn(async move {
            publish(&pubsub, &message).await;
            drop(permit);
        });
    }
}

async fn publish(pubsub: &str, message: &Message) {
    for attempt in 0..TRIES {
        let answer = tokio::time::timeout(LIMIT, send(pubsub, message)).await;
        match answer.map_err(Error::from).and_then(|sent| sent) {
            Ok(status) if status.is_success() => return,
            // There is no such topic, or it will not have the message: that does not change.
            Ok(status) if status.is_client_error() => {
                return tracing::warn!(topic = message.topic, %status, "a notification was refused");
            }
            Ok(status) => tracing::warn!(topic = message.topic, %status, "a notification did not arrive"),
            Err(error) => tracing::warn!(topic = message.topic, %error, "a notification did not arrive"),
        }
        tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
    }
}

async fn send(pubsub: &str, message: &Message) -> Result<StatusCode, Error> {
    let base: http::Uri = pubsub.parse()?;
    let authority = base.authority().ok_or("Pub/Sub's endpoint has no host")?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let body = json!({
        "messages": [{ "data": STANDARD.encode(&message.data), "attributes": message.attributes }],
    });
    let request = Request::post(format!("/v1/{}:publish", message.topic))
        .header(HOST, authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    Limited::new(body, MOST_ANSWER).collect().await?;
    connection.abort();
    Ok(head.status)
}
