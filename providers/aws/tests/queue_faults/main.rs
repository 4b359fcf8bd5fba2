//! What emulators never do: throttle, refuse single entries, break connections, lose answers. A stub in the place of HTTP does.
#![allow(clippy::expect_used, clippy::unwrap_used)] // All of this is a test.

mod foreign;
mod provision;
mod receive;
mod send;
mod settle;
mod stub;

use std::sync::Arc;
use std::time::Duration;

use skyport_core::layers::{Layer, Retry};
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, ReceiveOptions};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Result};

const MINUTE: Duration = Duration::from_secs(60);

/// The queue with the layer that repeats, as applications have it.
fn retried(queue: Arc<dyn MessageQueue>) -> Arc<dyn MessageQueue> {
    Retry::new(RetryPolicy::default()).queue(queue)
}

fn bodies<const N: usize>(bodies: [&'static str; N]) -> Vec<OutMessage> {
    bodies.map(OutMessage::new).into()
}

/// A message of a group of an ordered queue.
fn grouped(body: &'static str, group: &str) -> OutMessage {
    let mut message = OutMessage::new(body);
    message.group = Some(group.to_owned());
    message
}

fn kinds<T>(results: &[Result<T>]) -> Vec<Option<ErrorKind>> {
    results.iter().map(|result| result.as_ref().err().map(Error::kind)).collect()
}

async fn received(queue: &Arc<dyn MessageQueue>) -> Vec<RawDelivery> {
    queue.receive(ReceiveOptions::new(10, Duration::ZERO, MINUTE)).await.expect("received")
}
