//! The calls of Queue Storage, each in the port's own terms.

use std::time::{Duration, SystemTime};

use azure_storage_queue::models::{
    QueueClientGetPropertiesResultHeaders, QueueClientReceiveMessagesOptions, QueueClientSendMessageOptions,
    QueueMessage as WireMessage, ReceivedMessage,
};
use skyport_azure_wire::message::{QueueMessage, receipt, split};
use skyport_core::queue::MessageId;
use skyport_core::queue::port::Receipt;
use skyport_core::refusal::Refusal;
use skyport_core::retry::answered;
use skyport_core::{Error, ErrorKind, Result};

use super::Place;
use crate::error::of_azure;
use crate::provision::NAME;

/// So long a call may take. Queue Storage answers at once or not at all; many calls are made in tasks of their own, which no layer bounds.
const SILENCE: Duration = Duration::from_secs(10);

/// What a call of Azure's client comes to, within that time.
pub(crate) async fn answer<T>(call: impl Future<Output = azure_core::Result<T>>) -> Result<T> {
    let called = async { call.await.map_err(of_azure) };
    answered(SILENCE, "Queue Storage did not answer", called).await.map_err(|error| error.with_provider(NAME))
}

/// A message that a call brought.
pub(super) struct Taken {
    /// Its id and its pop receipt.
    pub(super) handle: Receipt,
    pub(super) message: QueueMessage,
}

impl Place {
    /// Puts a text into the queue, hidden for so many seconds.
    pub(super) async fn put(&self, text: String, delay: Option<i32>) -> Result<MessageId> {
        let message = WireMessage { message_text: Some(text) };
        let content = message.try_into().map_err(of_azure)?;
        let options = QueueClientSendMessageOptions {
            message_time_to_live: Some(self.kept),
            visibility_timeout: delay.filter(|&seconds| seconds > 0),
            ..QueueClientSendMessageOptions::default()
        };
        let answer = self.answer(self.client.send_message(content, Some(options))).await?;
        // It is sent, whatever the answer says.
        let sent = answer.into_model().map_err(|error| self.said(error).with_ambiguous(true))?;
        let id = sent.items.unwrap_or_default().into_iter().next().and_then(|sent| sent.message_id);
        if delay.is_none_or(|seconds| seconds <= 0) {
            self.woken.notify_one();
        }
        id.map(MessageId::new).ok_or_else(|| self.named(unclear("names no id for the message")))
    }

    /// Takes up to `max` messages, for so many seconds.
    pub(super) async fn take(&self, max: i32, lease: i32) -> Result<Vec<Taken>> {
        let options = QueueClientReceiveMessagesOptions {
            number_of_messages: Some(max),
            visibility_timeout: Some(lease),
            ..QueueClientReceiveMessagesOptions::default()
        };
        let answer = self.answer(self.client.receive_messages(Some(options))).await?;
        let came = answer.into_model().map_err(|error| self.said(error))?.items.unwrap_or_default();
        Ok(came.into_iter().filter_map(|message| self.taken(message)).collect())
    }

    fn taken(&self, message: ReceivedMessage) -> Option<Taken> {
        let (id, pop_receipt) =
            (message.message_id.unwrap_or_default(), message.pop_receipt.unwrap_or_default());
        let handle = match receipt(&id, &pop_receipt) {
            Ok(handle) => handle,
            Err(error) => {
                // Without them nothing can be done with it, and its neighbours are well.
                let queue = &self.info.resource;
                tracing::warn!(queue, %error, "a message is passed over");
                return None;
            }
        };
        let inserted = message.insertion_time.map_or(SystemTime::UNIX_EPOCH, SystemTime::from);
        let mut told = QueueMessage::new(id, message.message_text.unwrap_or_default(), inserted);
        told.dequeue_count = message.dequeue_count.and_then(|count| u64::try_from(count).ok()).unwrap_or(1);
        Some(Taken { handle, message: told })
    }

    /// Hides a message for so many seconds from now; gives its new handle.
    pub(super) async fn hide(&self, handle: &str, seconds: i32) -> Result<Receipt> {
        let (id, pop_receipt) = parts(handle)?;
        let answer = self.answer(self.client.update_message(id, pop_receipt, seconds, None)).await?;
        if seconds == 0 {
            self.woken.notify_one();
        }
        let renewed = answer.headers().get_optional_str(&POP_RECEIPT).unwrap_or_default();
        receipt(id, renewed).map_err(|_| self.named(unclear("names no new pop receipt")))
    }

    pub(super) async fn delete(&self, handle: &str) -> Result<()> {
        let (id, pop_receipt) = parts(handle)?;
        self.answer(self.client.delete_message(id, pop_receipt, None)).await.map(drop)
    }

    /// About how many messages there are.
    pub(super) async fn count(&self) -> Result<u64> {
        let answer = self.answer(self.client.get_properties(None)).await?;
        let count = answer.approximate_messages_count().map_err(|error| self.said(error))?;
        let count = count.and_then(|count| u64::try_from(count).ok());
        count.ok_or_else(|| self.named(unclear("counts no messages")))
    }

    /// Creates the queue, unless it is there.
    pub(super) async fn make(&self) -> Result<()> {
        crate::provision::queue::ensure(&self.client, &self.info.resource).await
    }

    /// As [`answer`]; an error names the queue.
    async fn answer<T>(&self, call: impl Future<Output = azure_core::Result<T>>) -> Result<T> {
        answer(call).await.map_err(|error| self.named(error))
    }

    fn said(&self, error: azure_core::Error) -> Error {
        self.named(of_azure(error))
    }
}

/// The header of a message's new pop receipt.
const POP_RECEIPT: azure_core::http::headers::HeaderName =
    azure_core::http::headers::HeaderName::from_static("x-ms-popreceipt");

/// The message's id and its pop receipt.
fn parts(handle: &str) -> Result<(&str, &str)> {
    split(handle).ok_or_else(|| Refusal::BadReceipt.into())
}

/// An answer that says it is done, and not what is needed of it.
fn unclear(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("Queue Storage's answer {what}")).with_ambiguous(true)
}
