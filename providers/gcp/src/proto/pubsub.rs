//! Of `google/pubsub/v1/pubsub.proto`: messages on their way. What is about topics and subscriptions themselves is in
//! [`subscription`](super::subscription).

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};
use skyport_core::queue::port::MessageId;

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

/// The ids of messages, each read as what it becomes: a call may have a thousand of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PublishResponse {
    pub(crate) message_ids: Vec<MessageId>,
    /// Where one after the other is read.
    text: String,
}

impl Message for PublishResponse {
    fn encode_raw(&self, into: &mut impl BufMut) {
        for id in &self.message_ids {
            encoding::string::encode(1, &id.as_str().to_owned(), into);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        from: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag != 1 {
            return encoding::skip_field(wire_type, tag, from, context);
        }
        encoding::string::merge(wire_type, &mut self.text, from, context)?;
        self.message_ids.push(MessageId::new(&self.text));
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        let len = |id: &MessageId| encoding::string::encoded_len(1, &id.as_str().to_owned());
        self.message_ids.iter().map(len).sum()
    }

    fn clear(&mut self) {
        self.message_ids.clear();
    }
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
