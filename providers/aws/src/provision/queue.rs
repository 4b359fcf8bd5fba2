//! Queues of SQS, each with the queue of its dead letters.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::json;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::refusal::Refusal;
use skyport_core::retry::patiently;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::error;
use crate::queue::{SqsQueue, names};

/// For how many seconds unread messages are kept: 4 days. No longer, since on a standard queue a dead letter's age counts from when
/// it was first sent.
const KEPT: u64 = 4 * 86_400;

/// For how many seconds dead letters are kept: 14 days, the most that SQS has.
const DEAD_KEPT: u64 = 14 * 86_400;

/// The largest message, of a queue as new as this.
const MESSAGE_BYTES: u64 = 1 << 20;

/// Who looks with other tools finds a queue that waits rather than one that spins.
const WAIT_SECONDS: u64 = 20;

/// The most attempts that SQS counts to.
const MOST_ATTEMPTS: u32 = 1000;

type Attributes = HashMap<Name, String>;

pub(super) fn open(
    connection: Arc<Connection>,
    name: &str,
    settings: &QueueSettings,
) -> Result<Arc<dyn MessageQueue>> {
    Ok(Arc::new(SqsQueue::new(connection, names(name, settings.ordered)?, settings)))
}

pub(super) async fn create(connection: &Arc<Connection>, name: &str, settings: &QueueSettings) -> Result<()> {
    make(connection, name, settings).await.map(drop)
}

/// Creates the queue behind its dead letters, or makes sure of what is there; gives its URL.
pub(crate) async fn make(
    connection: &Arc<Connection>,
    name: &str,
    settings: &QueueSettings,
) -> Result<String> {
    let wanted = names(name, settings.ordered)?;
    let attempts = settings.max_attempts.max(1);
    if attempts > MOST_ATTEMPTS {
        return Err(Error::invalid(format!("SQS counts attempts to {MOST_ATTEMPTS}, not to {attempts}")));
    }
    let client = connection.sqs().await;
    // An order is part of the name: the same queue in the other one is another queue, with messages that nobody would read.
    let stem = wanted.queue.strip_suffix(".fifo").unwrap_or(&wanted.queue);
    if let Ok(other) = names(stem, !settings.ordered)
        && is_seen(client, &other.queue).await?
    {
        return Err(Refusal::OrderFixed.into());
    }
    let ordered = settings.ordered;
    let dead = settled(&wanted.dead, || ensure(client, &wanted.dead, ordered, DEAD_KEPT, None)).await?;
    let arn = settled(&wanted.dead, || attribute(client, &dead, Name::QueueArn)).await?;
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": attempts });
    settled(&wanted.queue, || ensure(client, &wanted.queue, ordered, KEPT, Some(&policy))).await
}

pub(crate) async fn remove(connection: &Arc<Connection>, name: &str, settings: &QueueSettings) -> Result<()> {
    let names = names(name, settings.ordered)?;
    let client = connection.sqs().await;
    for queue in [names.queue, names.dead] {
        let Some(url) = url(client, &queue).await? else { continue };
        match Box::pin(client.delete_queue().queue_url(url).send()).await.map_err(error::of) {
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => drop(result?),
        }
    }
    Ok(())
}

/// A queue's URL; `None` where there is no such queue.
async fn url(client: &Client, name: &str) -> Result<Option<String>> {
    match Box::pin(client.get_queue_url().queue_name(name).send()).await.map_err(error::of) {
        Ok(answer) => Ok(answer.queue_url),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.with_resource(name)),
    }
}

/// Whether there is such a queue, as far as it may be looked for: a policy may be of the names that are used.
async fn is_seen(client: &Client, name: &str) -> Result<bool> {
    match url(client, name).await {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(%error, "the queue in the other order may not be looked for: taken as not there");
            Ok(false)
        }
        there => Ok(there?.is_some()),
    }
}

/// Repeats what fails where a queue is new. SQS knows it everywhere only after a second: until then it is not found, or
/// is an invalid target for dead letters. And what somebody else has created since is found by the next look.
pub(crate) async fn settled<T, F>(name: &str, call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    use ErrorKind::{AlreadyExists, Conflict, InvalidArgument, NotFound};
    let passes = |error: &Error| matches!(error.kind(), NotFound | InvalidArgument | AlreadyExists);
    patiently(name, passes, call).await.map_err(|error| match error.kind() {
        AlreadyExists => error.with_kind(Conflict),
        _ => error,
    })
}

async fn attribute(client: &Client, url: &str, name: Name) -> Result<String> {
    let mut told = attributes(client, url, vec![name.clone()]).await?;
    told.remove(&name).ok_or_else(|| Error::internal("SQS does not tell an attribute that every queue has"))
}

pub(crate) async fn attributes(client: &Client, url: &str, names: Vec<Name>) -> Result<Attributes> {
    let asked = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names));
    Ok(Box::pin(asked.send()).await.map_err(error::of)?.attributes.unwrap_or_default())
}

/// Creates a queue, or changes one that is there where it falls short; gives its URL.
async fn ensure(
    client: &Client,
    name: &str,
    ordered: bool,
    kept: u64,
    policy: Option<&serde_json::Value>,
) -> Result<String> {
    if let Some(url) = url(client, name).await? {
        adjust(client, &url, kept, policy).await?;
        return Ok(url);
    }
    let mut wanted = Attributes::from([
        (Name::MessageRetentionPeriod, kept.to_string()),
        (Name::MaximumMessageSize, MESSAGE_BYTES.to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, WAIT_SECONDS.to_string()),
    ]);
    if ordered {
        wanted.insert(Name::FifoQueue, "true".to_owned());
        wanted.insert(Name::ContentBasedDeduplication, "false".to_owned());
    }
    if let Some(policy) = policy {
        wanted.insert(Name::RedrivePolicy, policy.to_string());
    }
    let request = client.create_queue().queue_name(name).set_attributes(Some(wanted));
    let made = Box::pin(request.send()).await.map_err(error::of)?;
    made.queue_url.ok_or_else(|| Error::internal("SQS named no URL for the queue"))
}

/// Sets what is declared, and raises what is under the contract's floors. What somebody raised further stays.
async fn adjust(client: &Client, url: &str, kept: u64, policy: Option<&serde_json::Value>) -> Result<()> {
    let names = vec![Name::MessageRetentionPeriod, Name::MaximumMessageSize, Name::RedrivePolicy];
    let told = attributes(client, url, names).await?;
    let mut wanted = Attributes::new();
    for (name, floor) in [(Name::MessageRetentionPeriod, kept), (Name::MaximumMessageSize, MESSAGE_BYTES)] {
        let there = told.get(&name).and_then(|text| text.parse::<u64>().ok());
        if there.is_some_and(|there| there < floor) {
            wanted.insert(name, floor.to_string());
        }
    }
    if let Some(policy) = policy
        && !told.get(&Name::RedrivePolicy).is_some_and(|there| is_same(there, policy))
    {
        wanted.insert(Name::RedrivePolicy, policy.to_string());
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let request = client.set_queue_attributes().queue_url(url).set_attributes(Some(wanted));
    Box::pin(request.send()).await.map(drop).map_err(error::of)
}

/// SQS gives a policy back as it was sent, by whichever tool: the number as such or in quotes, in any order.
fn is_same(there: &str, policy: &serde_json::Value) -> bool {
    let Ok(there) = serde_json::from_str::<serde_json::Value>(there) else { return false };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    ["deadLetterTargetArn", "maxReceiveCount"]
        .iter()
        .all(|name| there.get(name).map(text) == policy.get(name).map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_the_same_however_it_is_written() {
        let policy = json!({ "deadLetterTargetArn": "arn:x", "maxReceiveCount": 5 });
        for same in [
            r#"{"maxReceiveCount":5,"deadLetterTargetArn":"arn:x"}"#,
            r#"{"maxReceiveCount":"5","deadLetterTargetArn":"arn:x"}"#,
        ] {
            assert!(is_same(same, &policy), "{same}");
        }
        for other in [
            "",
            "{}",
            r#"{"maxReceiveCount":6,"deadLetterTargetArn":"arn:x"}"#,
            r#"{"maxReceiveCount":5,"deadLetterTargetArn":"arn:y"}"#,
        ] {
            assert!(!is_same(other, &policy), "{other}");
        }
    }
}
