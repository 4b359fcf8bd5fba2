//! Receiving: waiting by long polls, and what came as deliveries.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Told};
use futures_util::future::BoxFuture;
use skyport_aws_wire::sqs::{SqsAttribute, SqsMessage, SqsTold};
use skyport_core::Result;
use skyport_core::queue::leases::Last;
use skyport_core::queue::polls::Waiting;
use skyport_core::queue::port::{RawDelivery, ReceiveOptions};
use skyport_core::retry::answered;
use tokio::runtime::Handle as Runtime;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Place;
use super::outgoing::whole_seconds;
use super::polls::{Answer, Asked};
use super::settle::SPENT;
use crate::error;
use crate::provision::NAME;

/// The longest wait of one call.
const LONGEST_POLL: Duration = Duration::from_secs(20);

/// By how much a call may wait longer than it was asked to: calls wait whole seconds.
const HAIR: Duration = Duration::from_millis(20);

/// How much longer than its wait a call may take to answer before it is given up.
const SILENCE: Duration = Duration::from_secs(10);

const YEAR: Duration = Duration::from_secs(86_400 * 365);

impl Place {
    /// Waits up to the end for the first messages.
    pub(super) async fn receive(place: &Arc<Self>, options: ReceiveOptions) -> Result<Vec<Message>> {
        // Of an ordered queue one at a time: see the room's documentation.
        let max = if place.info.settings.ordered { 1 } else { options.max };
        let asked = Asked {
            max: i32::try_from(max).unwrap_or(i32::MAX).clamp(1, 10),
            lease: whole_seconds(options.lease),
        };
        let begun = Instant::now();
        // As long as can be told, where that is for ever.
        let end = begun.checked_add(options.wait).unwrap_or(begun + YEAR);
        let mut seconds = whole(options.wait);
        loop {
            let found = place.poll(asked, seconds, end).await?;
            let left = end.saturating_duration_since(Instant::now());
            if !found.is_empty() || left <= HAIR {
                return Ok(found);
            }
            seconds = whole(left);
            if seconds == 0 {
                // What is left is less than a call can wait: one last look at its end.
                sleep_until(end).await;
            }
        }
    }

    /// One call, or what is left of one that was dropped.
    async fn poll(self: &Arc<Self>, asked: Asked, seconds: i32, end: Instant) -> Result<Vec<Message>> {
        let adopted = if seconds > 0 { self.polls.adopt(|theirs| *theirs == asked) } else { None };
        if let Some(poll) = adopted {
            let waiting = Waiting::new(&self.polls, poll, |unread| self.return_later(unread));
            // It may wait longer than this receive.
            return match timeout_at(end, waiting.answer()).await {
                Ok(answer) => answer,
                Err(_) => Ok(Vec::new()),
            };
        }
        let place = Arc::clone(self);
        let call = Box::pin(async move { place.call(asked, seconds).await });
        Calling { place: self, asked, runtime: Runtime::try_current().ok(), call: Some(call) }.await
    }

    async fn call(&self, asked: Asked, seconds: i32) -> Answer {
        let (client, url) = self.client().await?;
        let attempt = self.info.settings.ordered.then(|| self.lost.attempt(asked));
        let request = client
            .receive_message()
            .set_receive_request_attempt_id(attempt.map(|attempt| attempt.to_string()))
            .queue_url(url)
            .max_number_of_messages(asked.max)
            .wait_time_seconds(seconds)
            .visibility_timeout(asked.lease)
            .message_system_attribute_names(Told::ApproximateReceiveCount)
            .message_system_attribute_names(Told::SentTimestamp)
            .message_system_attribute_names(Told::MessageGroupId)
            .message_system_attribute_names(Told::DeadLetterQueueSourceArn)
            .message_attribute_names("All");
        let limit = Duration::from_secs(u64::from(seconds.unsigned_abs())) + SILENCE;
        let sent = pin!(request.send());
        let answer = answered(limit, "SQS did not answer a receive", async { sent.await.map_err(error::of) })
            .await
            .map_err(|error| self.named(error.with_provider(NAME)));
        if let (Some(attempt), Err(error)) = (attempt, &answer)
            && error.is_ambiguous()
        {
            self.lost.lose(asked, attempt);
        }
        Ok(answer?.messages.unwrap_or_default())
    }

    /// As [`give_back`](Self::give_back), beside whatever goes on.
    fn return_later(self: &Arc<Self>, unread: Vec<Message>) {
        // Without a runtime the program is at its end: they return with their leases.
        if let Ok(runtime) = Runtime::try_current() {
            let place = Arc::clone(self);
            drop(runtime.spawn(async move { place.give_back(unread).await }));
        }
    }

    /// Makes messages visible again that nobody is there for.
    async fn give_back(&self, messages: Vec<Message>) {
        let handle = |(at, message): (usize, Message)| (at, message.receipt_handle.unwrap_or_default(), 0);
        let batch: Vec<_> = messages.into_iter().enumerate().map(handle).collect();
        if batch.is_empty() {
            return;
        }
        for returned in self.hide_several(&batch).await {
            if let Err(error) = returned {
                let queue = &self.info.resource;
                tracing::debug!(queue, %error, "a message of a dropped receive returns when its lease ends");
            }
        }
    }

    /// What the messages are to a receiver. `mortal` where a retry may send them to the dead letters.
    pub(super) fn deliveries(
        &self,
        messages: Vec<Message>,
        lease: Duration,
        mortal: bool,
    ) -> Vec<RawDelivery> {
        // No later: SQS began to count before it answered.
        let ends = Instant::now() + lease;
        let settings = &self.info.settings;
        let one = |message: Message| {
            let (handle, message) = read(message);
            // SQS moved it by itself: what the envelope says is of a life before.
            let moved = message.attributes.dead_letter_queue_source_arn.is_some();
            // What cannot be read as its envelope says is handed over as it came: it is for the handler to refuse.
            let mut delivery = message.into_delivery().unwrap_or_else(|unreadable| *unreadable.delivery);
            delivery.group = delivery.group.filter(|_| settings.ordered);
            if !mortal && (moved || delivery.envelope.reason().is_none()) {
                delivery.envelope.set_reason(Some(SPENT));
            }
            let last = (mortal && delivery.attempt >= settings.max_attempts)
                .then(|| Last { attempt: delivery.attempt, message: delivery.to_message() });
            delivery.receipt = self.leases.hold(&handle, ends, last);
            delivery
        };
        messages.into_iter().map(one).collect()
    }
}

/// The handle of a message, and the message, which is handed on with another receipt.
fn read(message: Message) -> (String, SqsMessage) {
    let added = message.message_attributes.unwrap_or_default().into_iter();
    let attribute = |value: aws_sdk_sqs::types::MessageAttributeValue| SqsAttribute {
        data_type: value.data_type,
        string_value: value.string_value,
    };
    let read = SqsMessage {
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: told(message.attributes.unwrap_or_default()),
        message_attributes: added.map(|(name, value)| (name, attribute(value))).collect(),
        ..SqsMessage::default()
    };
    (message.receipt_handle.unwrap_or_default(), read)
}

fn told(mut attributes: HashMap<Told, String>) -> SqsTold {
    let mut text = |name| attributes.remove(&name);
    SqsTold {
        approximate_receive_count: text(Told::ApproximateReceiveCount).and_then(|count| count.parse().ok()),
        sent_timestamp: text(Told::SentTimestamp).and_then(|millis| millis.parse().ok()),
        message_group_id: text(Told::MessageGroupId),
        dead_letter_queue_source_arn: text(Told::DeadLetterQueueSourceArn),
    }
}

/// A call that its receive waits for, in the receive's own task. Dropped, it goes on in a task of its own, for the next receive to take over.
struct Calling<'a> {
    place: &'a Arc<Place>,
    asked: Asked,
    runtime: Option<Runtime>,
    call: Option<BoxFuture<'static, Answer>>,
}

impl Future for Calling<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(call) = &mut self.call else { return Poll::Ready(Ok(Vec::new())) };
        let answer = ready!(call.as_mut().poll(context));
        self.call = None;
        Poll::Ready(answer)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        // Without a runtime the program is at its end: what the call leased returns with its lease.
        let (Some(call), Some(runtime)) = (self.call.take(), &self.runtime) else { return };
        let (place, told) = (Arc::clone(self.place), self.place.polls.leave_behind(self.asked));
        drop(runtime.spawn(async move {
            if let Some(Ok(unwanted)) = told.answer(call.await) {
                place.give_back(unwanted).await;
            }
        }));
    }
}

/// The whole seconds that a call may wait.
fn whole(wait: Duration) -> i32 {
    let seconds = wait.saturating_add(HAIR).min(LONGEST_POLL).as_secs();
    i32::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_whole_seconds_and_never_longer_than_asked() {
        for (millis, seconds) in
            [(0, 0), (500, 0), (979, 0), (985, 1), (1000, 1), (1999, 2), (20_000, 20), (90_000, 20)]
        {
            assert_eq!(whole(Duration::from_millis(millis)), seconds, "{millis}");
        }
        assert_eq!(whole(Duration::MAX), 20);
    }
}
