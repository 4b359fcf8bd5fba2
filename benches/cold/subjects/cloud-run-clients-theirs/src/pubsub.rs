//! A topic of Pub/Sub.

use cold_axum::Outcome;
use gcloud_sdk::GoogleAuthMiddleware;
use gcloud_sdk::google::pubsub::v1::publisher_client::PublisherClient;
use gcloud_sdk::google::pubsub::v1::{PublishRequest, PubsubMessage};

pub(crate) struct PubSub {
    client: PublisherClient<GoogleAuthMiddleware>,
    topic: String,
}

impl PubSub {
    pub(crate) fn new(channel: GoogleAuthMiddleware, project: &str, topic: &str) -> Self {
        let topic = format!("projects/{project}/topics/{topic}");
        Self { client: PublisherClient::new(channel), topic }
    }

    pub(crate) async fn send(&self, data: Vec<u8>) -> Outcome {
        let message = PubsubMessage { data, ..PubsubMessage::default() };
        let request = PublishRequest { topic: self.topic.clone(), messages: vec![message] };
        let answer = self.client.clone().publish(request).await?.into_inner();
        answer.message_ids.first().map(drop).ok_or_else(|| "Pub/Sub told no id".into())
    }
}
