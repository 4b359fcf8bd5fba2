//! Retry around a queue.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, told, too_few};
use super::rolling::{Rolling, hopeless};
use crate::queue::port::{
    Depth, MessageId, MessageQueue, OutMessage, QueueInfo, RawDelivery, Receipt, ReceiveOptions, Settlement,
    Verdict,
};
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Result};

/// A large batch in pieces, where what stands behind a failure in its group must not overtake it.
async fn in_order<F>(
    messages: Vec<OutMessage>,
    rolling: &Rolling<OutMessage>,
    mut send: impl FnMut(Vec<OutMessage>) -> F + Send,
) -> Vec<Result<MessageId>>
where
    F: Future<Output = Vec<Result<MessageId>>> + Send,
{
    let mut results = Vec::with_capacity(messages.len());
    let mut stuck: HashSet<String> = HashSet::new();
    let mut messages = messages.into_iter();
    while !messages.as_slice().is_empty() {
        let piece = rolling.take(&mut messages);
        let is_stuck =
            |message: &OutMessage| message.group.as_ref().is_some_and(|group| stuck.contains(group));
        let waits: Vec<bool> = piece.iter().map(is_stuck).collect();
        let groups: Vec<Option<String>> = piece.iter().map(|message| message.group.clone()).collect();
        let going = piece.into_iter().zip(&waits).filter(|(_, waits)| !**waits);
        let going: Vec<OutMessage> = going.map(|(message, _)| message).collect();
        let sent = if going.is_empty() { Vec::new() } else { send(going).await };
        let never_tried = if waits.iter().all(|waits| *waits) { None } else { hopeless(&sent) };
        let mut sent = sent.into_iter();
        for (group, waits) in groups.into_iter().zip(waits) {
            let result = if waits {
                let text = "a message before it in its group was not sent: send the rest of the group again";
                Err(Error::new(ErrorKind::Unavailable, text).with_ambiguous(false))
            } else {
                sent.next().unwrap_or_else(|| Err(too_few()))
            };
            if result.is_err() {
                stuck.extend(group);
            }
            results.push(result);
        }
        if let Some(error) = never_tried {
            results.extend(error.of_each(messages.len()));
            break;
        }
    }
    results
}

/// What a message brings along that may be large.
fn weigh(message: &OutMessage) -> usize {
    let attributes = message.attributes.iter().map(|(name, value)| name.len() + value.len());
    message.body.len() + attributes.sum::<usize>()
}

#[derive(Clone, Debug)]
pub(super) struct RetryQueue {
    inner: Arc<dyn MessageQueue>,
    policy: RetryPolicy,
}

impl RetryQueue {
    pub(super) fn new(inner: Arc<dyn MessageQueue>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    fn attempts(&self) -> Attempts {
        Attempts::new(self.policy)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl MessageQueue for RetryQueue {
    fn info(&self) -> &QueueInfo {
        self.inner.info()
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let send = |messages: Vec<OutMessage>| {
            let call = |messages, _| self.inner.send(messages);
            self.attempts().batch(messages, call, |_, ambiguous, error| Err(told(ambiguous, error)))
        };
        let rolling = Rolling { pieces: self.info().limits.send, weigh };
        if self.info().settings.ordered && messages.len() > 1 {
            return in_order(messages, &rolling, send).await;
        }
        rolling.all(messages, send).await
    }

    async fn receive(&self, options: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        let mut attempts = Attempts::waiting(self.policy, options.wait);
        let started = tokio::time::Instant::now();
        attempts
            .repeat(|_| {
                let wait = options.wait.saturating_sub(started.elapsed());
                self.inner.receive(ReceiveOptions { wait, ..options })
            })
            .await
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        self.inner.adopt(deliveries).await
    }

    async fn extend(&self, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let mut attempts = self.attempts();
        let extended = attempts.repeat(|_| self.inner.extend(receipt, lease)).await;
        // The lost answer may have held the only receipt that still is of use.
        extended.map_err(|error| told(attempts.ambiguous, error))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let call = |settlements, _| self.inner.settle(settlements);
        self.attempts()
            .batch(settlements, call, |settlement: &Settlement, ambiguous, error| {
                let settled = error.kind() == ErrorKind::PreconditionFailed;
                if ambiguous && settled && settlement.verdict == Verdict::Ack {
                    return Ok(());
                }
                Err(told(ambiguous, error))
            })
            .await
    }

    async fn depth(&self) -> Result<Depth> {
        self.attempts().repeat(|_| self.inner.depth()).await
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        let inner = self.inner.dead_letters()?;
        Ok(Arc::new(Self::new(inner, self.policy)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Mutex;

    use super::*;
    use crate::pieces::Pieces;

    fn message(group: &str, number: usize) -> OutMessage {
        let mut message = OutMessage::new(format!("{group}{number}"));
        message.group = Some(group.to_owned());
        message
    }

    #[tokio::test]
    async fn in_a_large_batch_nothing_overtakes_a_message_of_its_group_that_failed() {
        let sent = Mutex::new(Vec::new());
        let messages = (0..60).flat_map(|number| [message("a", number), message("b", number)]).collect();
        let rolling = Rolling { pieces: Pieces::new(40), weigh };
        let results = in_order(messages, &rolling, |messages: Vec<OutMessage>| {
            let answers = messages.into_iter().map(|message| {
                let body = String::from_utf8(message.body.to_vec()).expect("text");
                if body == "a7" {
                    return Err(Error::new(ErrorKind::PermissionDenied, "not this one"));
                }
                sent.lock().unwrap().push(body.clone());
                Ok(MessageId::from(body))
            });
            ready(answers.collect())
        })
        .await;
        assert_eq!(results.len(), 120);
        let of_group =
            |group: usize| results.iter().skip(group).step_by(2).filter(|result| result.is_ok()).count();
        // The piece in which it failed is for the provider to order; nothing of the later ones was sent.
        assert_eq!((of_group(0), of_group(1)), (19, 60));
        assert!(!sent.lock().unwrap().iter().any(|body| body == "a20" || body == "a59"));
        assert!(results[119].as_ref().is_ok_and(|id| id.as_str() == "b59"));
    }
}
