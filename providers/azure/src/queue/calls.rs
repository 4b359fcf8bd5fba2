//! The calls of Queue Storage, each in the port's own terms.

use std::time::{Duration, SystemTime};

use azure_storage_queue::models::QueueClientGetPropertiesResultHeaders;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use skyport_azure_wire::message::{QueueMessage, receipt, split};
use skyport_core::inline_text::InlineText;
use skyport_core::queue::MessageId;
use skyport_core::queue::port::Receipt;
use skyport_core::refusal::Refusal;
use skyport_core::retry::answered;
use skyport_core::{Error, ErrorKind, Result};

use super::{Place, xml};
use crate::error::{of_azure, unreadable};
use crate::http::MOST_OF_ANSWER;
use crate::http::direct::{Answer, Call, text};
use crate::provision::NAME;

/// The version of the service that is spoken.
const VERSION: HeaderValue = HeaderValue::from_static("2020-12-06");
const XML: HeaderValue = HeaderValue::from_static("application/xml");

/// So long a call may take. Queue Storage answers at once or not at all; many calls are made in tasks of their own, which no layer bounds.
const SILENCE: Duration = Duration::from_secs(10);

/// What is said where it does neither.
const SILENT: &str = "Queue Storage did not answer";

/// What a call of Azure's client comes to, within that time.
pub(crate) async fn answer<T>(call: impl Future<Output = azure_core::Result<T>>) -> Result<T> {
    let called = async { call.await.map_err(of_azure) };
    answered(SILENCE, SILENT, called).await.map_err(|error| error.with_provider(NAME))
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
        let delay = delay.filter(|&seconds| seconds > 0);
        let body = xml::written(&text);
        let mut call = self
            .call(Method::POST)
            .header(ACCEPT, XML)
            .header(CONTENT_TYPE, XML)
            .query("messagettl", number(self.kept).as_str())
            .body(body);
        if let Some(seconds) = delay {
            call = call.query("visibilitytimeout", number(seconds).as_str());
        }
        let answer = self.done(call).await?;
        // It is sent, whatever the answer says.
        let sent = self.listed(&answer)?.into_iter().next().map(|sent| sent.id);
        if delay.is_none() {
            self.woken.notify_one();
        }
        let id = sent.filter(|id| !id.is_empty());
        id.map(MessageId::new).ok_or_else(|| self.named(unclear("names no id for the message")))
    }

    /// Takes up to `max` messages, for so many seconds.
    pub(super) async fn take(&self, max: i32, lease: i32) -> Result<Vec<Taken>> {
        let call = self
            .call(Method::GET)
            .header(ACCEPT, XML)
            .query("numofmessages", number(max).as_str())
            .query("visibilitytimeout", number(lease).as_str());
        let answer = self.done(call).await?;
        Ok(self.listed(&answer)?.into_iter().filter_map(|message| self.taken(message)).collect())
    }

    fn listed(&self, answer: &Answer) -> Result<Vec<xml::Message>> {
        let read = answer.body.as_deref().map_or_else(|| Err(unreadable()), xml::read);
        read.map_err(|error| self.named(error))
    }

    fn taken(&self, message: xml::Message) -> Option<Taken> {
        let handle = match receipt(&message.id, &message.pop_receipt) {
            Ok(handle) => handle,
            Err(error) => {
                // Without them nothing can be done with it, and its neighbours are well.
                let queue = &self.info.resource;
                tracing::warn!(queue, %error, "a message is passed over");
                return None;
            }
        };
        let inserted = message.inserted.unwrap_or(SystemTime::UNIX_EPOCH);
        let mut told = QueueMessage::new(message.id, message.text, inserted);
        told.dequeue_count = message.dequeue_count.unwrap_or(1);
        Some(Taken { handle, message: told })
    }

    /// Hides a message for so many seconds from now; gives its new handle.
    pub(super) async fn hide(&self, handle: &str, seconds: i32) -> Result<Receipt> {
        let (id, pop_receipt) = parts(handle)?;
        let call = self
            .call(Method::PUT)
            .below(id)
            .query("popreceipt", pop_receipt)
            .query("visibilitytimeout", number(seconds).as_str());
        let answer = self.done(call).await?;
        if seconds == 0 {
            self.woken.notify_one();
        }
        let renewed = text(&answer.headers, "x-ms-popreceipt").unwrap_or_default();
        receipt(id, renewed).map_err(|_| self.named(unclear("names no new pop receipt")))
    }

    pub(super) async fn delete(&self, handle: &str) -> Result<()> {
        let (id, pop_receipt) = parts(handle)?;
        self.done(self.call(Method::DELETE).below(id).query("popreceipt", pop_receipt)).await.map(drop)
    }

    /// A call of the queue's messages.
    fn call(&self, method: Method) -> Call {
        let direct = self.connection.direct();
        direct
            .call(method, &[&self.info.resource], MOST_OF_ANSWER)
            .below("messages")
            .header(HeaderName::from_static("x-ms-version"), VERSION)
    }

    /// What is answered to a call within its time, where it was done.
    async fn done(&self, call: Call) -> Result<Answer> {
        let sent = answered(SILENCE, SILENT, self.connection.direct().send(call));
        let answer = sent.await.map_err(|error| self.named(error.with_provider(NAME)))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let headers = crate::http::headers(&answer.headers);
        let code = text(&answer.headers, "x-ms-error-code");
        Err(self.named(crate::error::answered(answer.status.as_u16(), code, Some(&headers))))
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

/// A number as the query says it.
fn number(number: i32) -> InlineText<24> {
    InlineText::of_number(u64::try_from(number).unwrap_or_default())
}

/// The message's id and its pop receipt.
fn parts(handle: &str) -> Result<(&str, &str)> {
    split(handle).ok_or_else(|| Refusal::BadReceipt.into())
}

/// An answer that says it is done, and not what is needed of it.
fn unclear(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("Queue Storage's answer {what}")).with_ambiguous(true)
}
