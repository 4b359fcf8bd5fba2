//! Of `google/pubsub/v1/pubsub.proto`: messages on their way. What is about topics and subscriptions themselves is in
//! [`subscription`](super::subscription).

use bytes::Bytes;

use super::known::Timestamp;

pub(crate) const PUBLISH: &str = "/google.pubsub.v1.Publisher/Publish";
pub(crate) const PULL: &str = "/google.pubsub.v1.Subscriber/Pull";
pub(crate) const ACKNOWLEDGE: &str = "/google.pubsub.v1.Subscriber/Acknowledge";
pub(crate) const MODIFY_ACK_DEADLINE: &str = "/google.pubsub.v1.Subscriber/ModifyAckDeadline";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PublishRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) topic: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) messages: Vec<Published>,
}

/// `PubsubMessage`, as it is sent.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Published {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) data: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) attributes: Vec<Attribute>,
    #[prost(string, tag = "5")]
    pub(crate) ordering_key: String,
}

/// An entry of the map of attributes, as it is sent.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Attribute {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PublishResponse {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) message_ids: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct PullRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) subscription: Bytes,
    /// Google calls it deprecated: there is no other way to look once; who waits asks without it.
    #[prost(bool, tag = "2")]
    pub(crate) return_immediately: bool,
    #[prost(int32, tag = "3")]
    pub(crate) max_messages: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PullResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) received_messages: Vec<ReceivedMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReceivedMessage {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) ack_id: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) message: Option<Received>,
    #[prost(int32, tag = "3")]
    pub(crate) delivery_attempt: i32,
}

/// `PubsubMessage`, as it comes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Received {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) data: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) attributes: Vec<ReceivedAttribute>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) message_id: Bytes,
    #[prost(message, optional, tag = "4")]
    pub(crate) publish_time: Option<Timestamp>,
    #[prost(string, tag = "5")]
    pub(crate) ordering_key: String,
}

/// An entry of the map of attributes, as it comes.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ReceivedAttribute {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AcknowledgeRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) subscription: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) ack_ids: Vec<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ModifyAckDeadlineRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) subscription: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(crate) ack_ids: Vec<Bytes>,
    #[prost(int32, tag = "3")]
    pub(crate) ack_deadline_seconds: i32,
}
