//! What Cloud Storage tells of a bucket, as events of the port.

use async_trait::async_trait;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::subscription::{Notices, Wanted};
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery};
use skyport_gcp_wire::message::PubsubMessage;
use skyport_gcp_wire::storage::{Notice, Told, in_message};

use crate::blob::Gcs;

/// Marks what was sent to one subscription, of all those of the topic: it names it.
const ADDRESSEE: &str = "skyport-subscription";

/// Reads what comes in a subscriber's queue.
#[derive(Debug)]
pub(super) struct GcsNotices {
    bucket: Gcs,
    subscription: String,
    wanted: Wanted,
}

impl GcsNotices {
    pub(super) fn new(bucket: Gcs, subscription: String, wanted: Wanted) -> Self {
        Self { bucket, subscription, wanted }
    }
}

#[async_trait]
impl Notices for GcsNotices {
    async fn read(&self, mut delivery: RawDelivery, _: &dyn MessageQueue) -> Result<Option<RawDelivery>> {
        if let Some(addressee) = delivery.attributes.remove(ADDRESSEE) {
            // What was redriven by another subscriber.
            return Ok((addressee == self.subscription).then_some(delivery));
        }
        let mut message = PubsubMessage::new(delivery.id.as_str(), delivery.body.clone(), delivery.sent_at);
        message.attributes = delivery.attributes.clone().into_inner();
        let notice = match in_message(&message) {
            Ok(Told::Notice(notice)) => notice,
            Ok(Told::Nothing) => return Ok(None),
            // Not Cloud Storage's, or not as it writes: it goes the way of all that cannot be decoded.
            Ok(Told::Foreign) | Err(_) => return Ok(Some(delivery)),
        };
        let Notice { event, may_live, .. } = *notice;
        if !self.wanted.wants(event.change) {
            return Ok(None);
        }
        // Of a deletion it may have been an older version only, or another object is there by now.
        let Some(event) = event.seen_from(&self.bucket, may_live).await? else { return Ok(None) };
        delivery.body = Bytes::from(event.to_json());
        // They have been read: with the event they would be read once more.
        delivery.attributes.clear();
        Ok(Some(delivery))
    }

    fn addressed(&self, mut message: OutMessage) -> OutMessage {
        message.attributes.insert(ADDRESSEE.to_owned(), self.subscription.clone());
        message
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use skyport_core::blob::port::{BlobStore, PutOptions, Subscriber};
    use skyport_core::event::{BlobChange, BlobEvent};
    use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
    use skyport_core::queue::port::{QueueSettings, Receipt};

    use super::*;
    use crate::config::endpoint::Service;
    use crate::queue::{Names, PubsubQueue};
    use crate::{Gcp, GcpConfig};

    /// A subscription to everything, and the bucket it is of.
    async fn notices() -> (skyport_gcs::Server, GcsNotices, PubsubQueue) {
        let server = skyport_gcs::Server::start().expect("a server");
        let config = GcpConfig {
            project: Some("p".to_owned()),
            storage_endpoint: Some(server.url().to_owned()),
            pubsub_endpoint: Some("http://127.0.0.1:1".to_owned()),
            ..GcpConfig::default()
        };
        let (gcp, url) = (Gcp::with(config), ResourceUrl::new("gs", "bkt"));
        gcp.create(&url, &ResourceKind::Bucket).await.expect("a bucket");
        let connect = |service| gcp.connection(service, &url, &[]).expect("a connection");
        let bucket = Gcs::open(connect(Service::Storage), "bkt");
        let names = Names::new("topic", "ours").expect("names");
        let queue = PubsubQueue::new(connect(Service::PubSub), names, &QueueSettings::default());
        let mut all = Subscriber::new("all");
        (all.created, all.deleted) = (true, true);
        (server, GcsNotices::new(bucket, "ours".to_owned(), Wanted::by(&all)), queue)
    }

    fn message(attributes: &[(&str, &str)]) -> RawDelivery {
        let mut delivery = RawDelivery::new("1", "", Receipt::new("r"), UNIX_EPOCH);
        let pairs = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        delivery.attributes = pairs.collect();
        delivery
    }

    fn notification<'a>(kind: &'a str, more: &[(&'a str, &'a str)]) -> RawDelivery {
        let always = [("eventType", kind), ("bucketId", "bkt"), ("objectId", "k"), ("objectGeneration", "7")];
        message(&[&always, more].concat())
    }

    #[tokio::test]
    async fn a_deletion_is_told_only_where_no_object_is_left() {
        let (_server, notices, queue) = notices().await;
        let deleted = async || {
            let told = notices.read(notification("OBJECT_DELETE", &[]), &queue).await.expect("read");
            told.map(|told| serde_json::from_slice::<BlobEvent>(&told.body).expect("an event").change)
        };
        assert_eq!(deleted().await, Some(BlobChange::Deleted));
        notices.bucket.put("k", Bytes::new(), PutOptions::default()).await.expect("put");
        assert_eq!(deleted().await, None);
        let overwritten = notification("OBJECT_DELETE", &[("overwrittenByGeneration", "8")]);
        assert!(notices.read(overwritten, &queue).await.expect("read").is_none());
    }

    #[tokio::test]
    async fn an_event_is_read_once_and_what_is_none_is_left_to_the_receiver() {
        let (_server, notices, queue) = notices().await;
        let created = notices.read(notification("OBJECT_FINALIZE", &[]), &queue).await.expect("read");
        let created = created.expect("an event");
        assert!(created.attributes.is_empty());
        let again = notices.read(created.clone(), &queue).await.expect("read").expect("an event");
        assert_eq!(again.body, created.body);
        let foreign = message(&[("color", "blue")]);
        assert_eq!(notices.read(foreign.clone(), &queue).await.expect("read"), Some(foreign));
    }

    #[tokio::test]
    async fn what_is_redriven_comes_to_its_own_subscription_alone() {
        let (_server, notices, queue) = notices().await;
        let sent = notices.addressed(OutMessage::new("event"));
        let mut delivery = message(&[]);
        delivery.attributes = sent.attributes.clone();
        let told = notices.read(delivery.clone(), &queue).await.expect("read").expect("it is for us");
        assert!(told.attributes.is_empty());
        let other = GcsNotices { subscription: "another".to_owned(), ..notices };
        assert!(other.read(delivery, &queue).await.expect("read").is_none());
    }
}
