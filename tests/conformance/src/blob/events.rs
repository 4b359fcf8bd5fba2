//! Events of a bucket.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::Result;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::Subscriber;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::queue::port::{MessageQueue, ReceiveOptions, Settlement, Verdict};

use super::{bucket, pattern};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    creations_overwrites_and_deletions_are_told,
    uploads_in_parts_and_copies_are_told,
    a_subscriber_gets_only_what_it_wants,
    each_subscriber_gets_each_event,
    events_wait_for_a_subscriber_that_is_away,
    nothing_before_the_subscription_is_told,
    deleting_what_is_missing_and_failed_writes_are_not_told,
    an_event_names_bucket_size_and_etag,
];

macro_rules! needs_events {
    ($bucket:expr) => {
        if !$bucket.capabilities().events.is_supported() {
            return Ok(Outcome::Skipped("its events come by other ways"));
        }
    };
}

fn subscriber(name: &str, created: bool, deleted: bool) -> Subscriber {
    let mut subscriber = Subscriber::new(name);
    subscriber.created = created;
    subscriber.deleted = deleted;
    subscriber
}

async fn subscribe(bucket: &Bucket, name: &str) -> Result<Arc<dyn MessageQueue>> {
    bucket.port().events(&subscriber(name, true, true)).await
}

/// Events until there are `count`, then those that come after for a moment; all acknowledged.
async fn receive(queue: &Arc<dyn MessageQueue>, count: usize) -> Result<Vec<BlobEvent>> {
    let mut events = Vec::new();
    loop {
        let wait = if events.len() < count { Duration::from_secs(10) } else { Duration::from_millis(100) };
        let options = ReceiveOptions::new(10, wait, Duration::from_secs(30));
        let deliveries = queue.receive(options).await?;
        if deliveries.is_empty() {
            return Ok(events);
        }
        for delivery in deliveries {
            events.push(serde_json::from_slice(&delivery.body).expect("an event as JSON"));
            let settled = queue.settle(vec![Settlement::new(delivery.receipt, Verdict::Ack)]).await;
            settled.into_iter().collect::<Result<Vec<()>>>()?;
        }
    }
}

/// What happened to which key; events come at least once, in no order.
fn told(events: &[BlobEvent]) -> BTreeSet<(String, bool)> {
    let changes = events.iter();
    changes.map(|event| (event.key.clone(), event.change == BlobChange::Created)).collect()
}

fn expected(changes: &[(&str, bool)]) -> BTreeSet<(String, bool)> {
    changes.iter().map(|(key, created)| ((*key).to_owned(), *created)).collect()
}

async fn creations_overwrites_and_deletions_are_told(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    let queue = subscribe(&bucket, "all").await?;
    bucket.put("k", "one").await?;
    assert_eq!(told(&receive(&queue, 1).await?), expected(&[("k", true)]));
    bucket.put("k", "two").await?;
    assert_eq!(told(&receive(&queue, 1).await?), expected(&[("k", true)]), "no deletion either");
    bucket.delete("k").await?;
    assert_eq!(told(&receive(&queue, 1).await?), expected(&[("k", false)]));
    bucket.put("a", "1").await?;
    bucket.put("b", "1").await?;
    bucket.delete_many(["a", "b"]).await.into_iter().collect::<Result<Vec<()>>>()?;
    let all = expected(&[("a", true), ("b", true), ("a", false), ("b", false)]);
    assert_eq!(told(&receive(&queue, 4).await?), all);
    Ok(Outcome::Passed)
}

async fn uploads_in_parts_and_copies_are_told(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    let queue = subscribe(&bucket, "all").await?;
    bucket.put("from", pattern(bucket.limits().part_bytes + 1)).await?;
    bucket.copy("from", "to").await?;
    assert_eq!(told(&receive(&queue, 2).await?), expected(&[("from", true), ("to", true)]));
    Ok(Outcome::Passed)
}

async fn a_subscriber_gets_only_what_it_wants(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    let created = bucket.port().events(&subscriber("created", true, false)).await?;
    let deleted = bucket.port().events(&subscriber("deleted", false, true)).await?;
    bucket.put("k", "v").await?;
    bucket.delete("k").await?;
    assert_eq!(told(&receive(&created, 1).await?), expected(&[("k", true)]));
    assert_eq!(told(&receive(&deleted, 1).await?), expected(&[("k", false)]));
    Ok(Outcome::Passed)
}

async fn each_subscriber_gets_each_event(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    let first = subscribe(&bucket, "first").await?;
    let second = subscribe(&bucket, "second").await?;
    bucket.put("k", "v").await?;
    assert_eq!(receive(&first, 1).await?.len(), 1);
    assert_eq!(receive(&second, 1).await?.len(), 1);
    // The same name is the same subscription: what one handle took is not given to the other.
    let again = subscribe(&bucket, "first").await?;
    assert!(receive(&again, 0).await?.is_empty());
    Ok(Outcome::Passed)
}

async fn events_wait_for_a_subscriber_that_is_away(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    drop(subscribe(&bucket, "away").await?);
    bucket.put("k", "v").await?;
    let queue = subscribe(&bucket, "away").await?;
    assert_eq!(told(&receive(&queue, 1).await?), expected(&[("k", true)]));
    Ok(Outcome::Passed)
}

async fn nothing_before_the_subscription_is_told(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    bucket.put("before", "v").await?;
    let queue = subscribe(&bucket, "late").await?;
    bucket.put("after", "v").await?;
    assert_eq!(told(&receive(&queue, 1).await?), expected(&[("after", true)]));
    Ok(Outcome::Passed)
}

async fn deleting_what_is_missing_and_failed_writes_are_not_told(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    bucket.put("there", "v").await?;
    let queue = subscribe(&bucket, "all").await?;
    bucket.delete("missing").await?;
    assert!(bucket.put("there", "w").if_absent().await.is_err());
    assert!(bucket.copy("missing", "to").await.is_err());
    let mut writer = bucket.writer("dropped").await?;
    tokio::io::AsyncWriteExt::write_all(&mut writer, b"bytes").await?;
    drop(writer);
    assert!(receive(&queue, 0).await?.is_empty());
    Ok(Outcome::Passed)
}

async fn an_event_names_bucket_size_and_etag(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    needs_events!(bucket);
    let queue = subscribe(&bucket, "all").await?;
    let etag = bucket.put("k", "12345").await?.etag;
    let event = receive(&queue, 1).await?.remove(0);
    assert_eq!(event.bucket, bucket.name());
    // Not every cloud tells these; where told they are right.
    assert!(event.size.is_none_or(|size| size == 5));
    assert!(event.etag.is_none_or(|told| told == etag));
    Ok(Outcome::Passed)
}
