//! Several messages in one call, none of which can be forgotten.

use std::future::Future;

use super::handler_error::{HandlerError, HandlerResult};
use super::lanes;
use super::message::Message;
use crate::codec::Decode;
use crate::outcome::Outcome;
use crate::queue::port::{Foreign, RawDelivery};

/// The messages of one call. What could not be decoded is in it already, as failed.
///
/// ```
/// use skyport_core::app::{Batch, Context, HandlerResult, Outcomes};
///
/// // Side by side, at most eight at once; what fails comes back alone.
/// async fn each(numbers: Batch<u32>, _: Context<()>) -> HandlerResult<Outcomes> {
///     Ok(numbers
///         .each(8, |number| async move {
///             if *number == 0 { Err("not yet".into()) } else { Ok(()) }
///         })
///         .await)
/// }
///
/// // All in one go, with one result each.
/// async fn together(numbers: Batch<u32>, _: Context<()>) -> HandlerResult<Outcomes> {
///     let (messages, mut outcomes) = numbers.split();
///     let sum: u32 = messages.iter().map(|(_, number)| **number).sum();
///     for (ticket, _) in messages {
///         outcomes.resolve(ticket, if sum > 0 { Ok(()) } else { Err("nothing to add".into()) });
///     }
///     Ok(outcomes)
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), skyport_core::app::HandlerError> {
/// each(Batch::new([1, 0]), Context::of(())).await?;
/// together(Batch::new([1, 2]), Context::of(())).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Batch<T> {
    messages: Vec<(Ticket, Message<T>)>,
    outcomes: Outcomes,
}

/// What becomes of each message of a [`Batch`]; comes from one and from nowhere else.
#[derive(Debug)]
pub struct Outcomes {
    outcomes: Vec<Outcome>,
    groups: Vec<Option<String>>,
}

/// Stands for one message of a batch that was [split](Batch::split).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(usize);

impl<T> Batch<T> {
    /// A batch for a unit test that calls a handler directly.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = T>) -> Self {
        let messages: Vec<_> = values
            .into_iter()
            .enumerate()
            .map(|(index, value)| (Ticket(index), Message::new(value)))
            .collect();
        let groups = messages.iter().map(|_| None).collect();
        Self { outcomes: Outcomes::undecided(groups), messages }
    }

    pub(crate) fn decode<C: Decode<T>>(deliveries: Vec<RawDelivery>, foreign: Foreign) -> Self {
        let groups = deliveries.iter().map(|delivery| delivery.group.clone()).collect();
        let mut outcomes = Outcomes::undecided(groups);
        let mut messages = Vec::with_capacity(deliveries.len());
        for (index, delivery) in deliveries.into_iter().enumerate() {
            match Message::decode::<C>(delivery, foreign) {
                Ok(message) => messages.push((Ticket(index), message)),
                Err(error) => outcomes.outcomes[index] = Outcome::dead(error.to_string()),
            }
        }
        Self { messages, outcomes }
    }

    /// How many messages could be decoded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether no message could be decoded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Calls `work` for each message, at most `concurrency` at once; the messages of a group one after the other, and
    /// not those after one that failed. A panic fails its message only.
    pub async fn each<F, Fut>(self, concurrency: usize, work: F) -> Outcomes
    where
        F: Fn(Message<T>) -> Fut,
        Fut: Future<Output = HandlerResult>,
    {
        let Self { messages, mut outcomes } = self;
        let (tickets, items): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .map(|(ticket, message)| (ticket, (message.group().map(str::to_owned), message)))
            .unzip();
        let work = &work;
        let done =
            lanes::run(items, concurrency, |message| async move { outcome_of(work(message).await) }).await;
        for (ticket, outcome) in tickets.into_iter().zip(done) {
            outcomes.outcomes[ticket.0] = outcome;
        }
        outcomes
    }

    /// The messages with their tickets, and what becomes of them: each again, until it is [resolved](Outcomes::resolve).
    #[must_use]
    pub fn split(self) -> (Vec<(Ticket, Message<T>)>, Outcomes) {
        (self.messages, self.outcomes)
    }
}

impl Outcomes {
    fn undecided(groups: Vec<Option<String>>) -> Self {
        let outcomes = groups.iter().map(|_| Outcome::retry(lanes::NOT_REACHED)).collect();
        Self { outcomes, groups }
    }

    /// Says what became of one message.
    pub fn resolve(&mut self, ticket: Ticket, result: HandlerResult) {
        if let Some(outcome) = self.outcomes.get_mut(ticket.0) {
            *outcome = outcome_of(result);
        }
    }

    /// The outcomes in the order of the messages; after a failure in a group, the rest of that group is to come again.
    pub(crate) fn into_vec(self) -> Vec<Outcome> {
        let Self { mut outcomes, groups } = self;
        for index in 0..outcomes.len() {
            // What goes to the dead letters does not hold its group up.
            let failed = matches!(outcomes[index], Outcome::Retry { .. });
            if !failed || groups[index].is_none() {
                continue;
            }
            for later in index + 1..outcomes.len() {
                if groups[later] == groups[index] && !matches!(outcomes[later], Outcome::Retry { .. }) {
                    outcomes[later] = Outcome::retry(lanes::NOT_REACHED);
                }
            }
        }
        outcomes
    }
}

/// What a handler's result means for its message.
pub(crate) fn outcome_of(result: HandlerResult) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(error) => failure(&error),
    }
}

/// What a handler's failure means for its message.
pub(crate) fn failure(error: &HandlerError) -> Outcome {
    match (error.is_fatal(), error.retry_after()) {
        (true, _) => Outcome::dead(error.to_string()),
        (false, Some(after)) => Outcome::retry_after(after, error.to_string()),
        (false, None) => Outcome::retry(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Json;
    use crate::queue::port::Receipt;
    use std::sync::Mutex;
    use std::time::UNIX_EPOCH;

    fn delivery(body: &'static str, group: Option<&str>) -> RawDelivery {
        let mut delivery = RawDelivery::new(body, body, Receipt::new(body), UNIX_EPOCH);
        delivery.group = group.map(str::to_owned);
        delivery
    }

    #[tokio::test]
    async fn each_message_gets_its_own_outcome() {
        let deliveries = ["1", "nonsense", "3", "4", "5"].map(|body| delivery(body, None)).to_vec();
        let batch = Batch::<u32>::decode::<Json>(deliveries, Foreign::Text);
        assert_eq!(batch.len(), 4);
        let outcomes = batch.each(2, |message| async move {
            match *message {
                3 => Err("not now".into()),
                4 => Err(HandlerError::fatal("never")),
                5 => panic!("oh"),
                _ => Ok(()),
            }
        });
        let outcomes = outcomes.await.into_vec();
        assert!(outcomes[0].is_done());
        assert!(matches!(&outcomes[1], Outcome::Dead { reason } if reason.contains("JSON")), "{outcomes:?}");
        assert_eq!(outcomes[2], Outcome::retry("not now"));
        assert_eq!(outcomes[3], Outcome::dead("never"));
        assert_eq!(outcomes[4], Outcome::retry("the handler panicked"));
    }

    #[tokio::test]
    async fn after_a_failure_in_a_group_the_rest_of_it_is_not_called() {
        let deliveries =
            [("1", "a"), ("2", "b"), ("3", "a"), ("4", "b")].map(|(body, group)| delivery(body, Some(group)));
        let batch = Batch::<u32>::decode::<Json>(deliveries.to_vec(), Foreign::Text);
        let called = Mutex::new(Vec::new());
        let outcomes = batch.each(4, |message| {
            called.lock().expect("no panic").push(*message);
            async move { if *message == 1 { Err("not now".into()) } else { Ok(()) } }
        });
        let done: Vec<bool> = outcomes.await.into_vec().iter().map(Outcome::is_done).collect();
        assert_eq!(done, [false, true, false, true]);
        let mut called = called.into_inner().expect("no panic");
        called.sort_unstable();
        assert_eq!(called, [1, 2, 4]);
    }

    #[test]
    fn nothing_of_a_group_is_settled_behind_a_failure() {
        let deliveries = [("1", "a"), ("2", "b"), ("nonsense", "a"), ("4", "a")];
        let deliveries = deliveries.map(|(body, group)| delivery(body, Some(group))).to_vec();
        let (messages, mut outcomes) = Batch::<u32>::decode::<Json>(deliveries, Foreign::Text).split();
        outcomes.resolve(messages[0].0, Err("not now".into()));
        outcomes.resolve(messages[1].0, Ok(()));
        outcomes.resolve(messages[2].0, Ok(()));
        let again = |outcome: &Outcome| matches!(outcome, Outcome::Retry { .. });
        assert_eq!(outcomes.into_vec().iter().map(again).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn what_a_split_batch_does_not_resolve_comes_again() {
        let (messages, mut outcomes) = Batch::new([1, 2]).split();
        outcomes.resolve(messages[0].0, Ok(()));
        let outcomes = outcomes.into_vec();
        assert!(outcomes[0].is_done() && !outcomes[1].is_done());
    }
}
