//! Of `google/pubsub/v1/pubsub.proto`: topics and subscriptions, as they are provisioned.

use super::known::{Duration, FieldMask};

pub(crate) const CREATE_TOPIC: &str = "/google.pubsub.v1.Publisher/CreateTopic";
pub(crate) const DELETE_TOPIC: &str = "/google.pubsub.v1.Publisher/DeleteTopic";
pub(crate) const LIST_TOPIC_SUBSCRIPTIONS: &str = "/google.pubsub.v1.Publisher/ListTopicSubscriptions";
pub(crate) const CREATE_SUBSCRIPTION: &str = "/google.pubsub.v1.Subscriber/CreateSubscription";
pub(crate) const GET_SUBSCRIPTION: &str = "/google.pubsub.v1.Subscriber/GetSubscription";
pub(crate) const UPDATE_SUBSCRIPTION: &str = "/google.pubsub.v1.Subscriber/UpdateSubscription";
pub(crate) const DELETE_SUBSCRIPTION: &str = "/google.pubsub.v1.Subscriber/DeleteSubscription";

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Topic {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct DeleteTopicRequest {
    #[prost(string, tag = "1")]
    pub(crate) topic: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ListTopicSubscriptionsRequest {
    #[prost(string, tag = "1")]
    pub(crate) topic: String,
    #[prost(int32, tag = "2")]
    pub(crate) page_size: i32,
    #[prost(string, tag = "3")]
    pub(crate) page_token: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ListTopicSubscriptionsResponse {
    #[prost(string, repeated, tag = "1")]
    pub(crate) subscriptions: Vec<String>,
    #[prost(string, tag = "2")]
    pub(crate) next_page_token: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Subscription {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) topic: String,
    #[prost(int32, tag = "5")]
    pub(crate) ack_deadline_seconds: i32,
    #[prost(message, optional, tag = "8")]
    pub(crate) message_retention_duration: Option<Duration>,
    #[prost(bool, tag = "10")]
    pub(crate) enable_message_ordering: bool,
    #[prost(message, optional, tag = "11")]
    pub(crate) expiration_policy: Option<ExpirationPolicy>,
    #[prost(message, optional, tag = "13")]
    pub(crate) dead_letter_policy: Option<DeadLetterPolicy>,
    #[prost(bool, tag = "15")]
    pub(crate) detached: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct ExpirationPolicy {
    #[prost(message, optional, tag = "1")]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct DeadLetterPolicy {
    #[prost(string, tag = "1")]
    pub(crate) dead_letter_topic: String,
    #[prost(int32, tag = "2")]
    pub(crate) max_delivery_attempts: i32,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct GetSubscriptionRequest {
    #[prost(string, tag = "1")]
    pub(crate) subscription: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct UpdateSubscriptionRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) subscription: Option<Subscription>,
    #[prost(message, optional, tag = "2")]
    pub(crate) update_mask: Option<FieldMask>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct DeleteSubscriptionRequest {
    #[prost(string, tag = "1")]
    pub(crate) subscription: String,
}
