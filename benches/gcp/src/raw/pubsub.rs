//! Pub/Sub by hand: the generated clients. One channel for what is answered at once and one for pulls, as the provider has them.

use gcloud_sdk::google::pubsub::v1::publisher_client::PublisherClient;
use gcloud_sdk::google::pubsub::v1::subscriber_client::SubscriberClient;
use gcloud_sdk::google::pubsub::v1::{
    AcknowledgeRequest, ModifyAckDeadlineRequest, PublishRequest, PubsubMessage, PullRequest, ReceivedMessage,
};
use skyport_measure::Outcome;
use tonic::transport::Channel;

use super::grpc::channel;
use crate::place::{PROJECT, Place};

/// A topic and the subscription that is called like it.
#[derive(Clone, Debug)]
pub struct Pubsub {
    topic: String,
    subscription: String,
    publisher: PublisherClient<Channel>,
    subscriber: SubscriberClient<Channel>,
    puller: SubscriberClient<Channel>,
}

impl Pubsub {
    /// No I/O.
    ///
    /// # Errors
    /// Where the endpoint is none.
    pub fn new(place: &Place, name: &str) -> Outcome<Self> {
        let (calls, pulls) = (channel(&place.pubsub)?, channel(&place.pubsub)?);
        Ok(Self {
            topic: format!("projects/{PROJECT}/topics/{name}"),
            subscription: format!("projects/{PROJECT}/subscriptions/{name}"),
            publisher: PublisherClient::new(calls.clone()),
            subscriber: SubscriberClient::new(calls),
            puller: SubscriberClient::new(pulls).max_decoding_message_size(64 << 20),
        })
    }

    /// Publishes bodies in one request; how many ids came back.
    ///
    /// # Errors
    /// What the service says.
    pub async fn publish(&self, bodies: Vec<Vec<u8>>) -> Outcome<usize> {
        let message = |data| PubsubMessage { data, ..PubsubMessage::default() };
        let messages = bodies.into_iter().map(message).collect();
        let request = PublishRequest { topic: self.topic.clone(), messages };
        Ok(self.publisher.clone().publish(request).await?.into_inner().message_ids.len())
    }

    /// What comes first, at most so many.
    ///
    /// # Errors
    /// What the service says.
    pub async fn pull(&self, most: i32) -> Outcome<Vec<ReceivedMessage>> {
        let request = PullRequest {
            subscription: self.subscription.clone(),
            max_messages: most,
            ..PullRequest::default()
        };
        Ok(self.puller.clone().pull(request).await?.into_inner().received_messages)
    }

    /// Keeps deliveries for so long, from now.
    ///
    /// # Errors
    /// What the service says.
    pub async fn keep(&self, ack_ids: Vec<String>, seconds: i32) -> Outcome {
        let request = ModifyAckDeadlineRequest {
            subscription: self.subscription.clone(),
            ack_ids,
            ack_deadline_seconds: seconds,
        };
        self.subscriber.clone().modify_ack_deadline(request).await?;
        Ok(())
    }

    /// Acknowledges deliveries.
    ///
    /// # Errors
    /// What the service says.
    pub async fn acknowledge(&self, ack_ids: Vec<String>) -> Outcome {
        let request = AcknowledgeRequest { subscription: self.subscription.clone(), ack_ids };
        self.subscriber.clone().acknowledge(request).await?;
        Ok(())
    }
}
