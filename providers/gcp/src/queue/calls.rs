//! The clients of Pub/Sub, and the full names of what they are about.

use std::sync::Arc;

use gcloud_sdk::google::pubsub::v1::publisher_client::PublisherClient;
use gcloud_sdk::google::pubsub::v1::subscriber_client::SubscriberClient;
use skyport_core::Result;

use crate::config::Connection;
use crate::grpc::Authorised;

/// The largest answer that is read: ten messages of the largest size, and what stands around them.
const MOST_ANSWERED: usize = 10 * (10 << 20) + (1 << 20);

/// Who publishes, and who looks after topics. No I/O.
pub(crate) fn publisher(connection: &Arc<Connection>) -> Result<PublisherClient<Authorised>> {
    Ok(PublisherClient::new(Authorised::new(connection)?))
}

/// Who pulls and settles, and who looks after subscriptions. No I/O.
pub(crate) fn subscriber(connection: &Arc<Connection>) -> Result<SubscriberClient<Authorised>> {
    Ok(SubscriberClient::new(Authorised::new(connection)?).max_decoding_message_size(MOST_ANSWERED))
}

/// What Pub/Sub calls the topic `name` of this project.
pub(crate) async fn topic(connection: &Connection, name: &str) -> Result<String> {
    Ok(format!("projects/{}/topics/{name}", connection.project().await?))
}

/// What Pub/Sub calls the subscription `name` of this project.
pub(crate) async fn subscription(connection: &Connection, name: &str) -> Result<String> {
    Ok(format!("projects/{}/subscriptions/{name}", connection.project().await?))
}
