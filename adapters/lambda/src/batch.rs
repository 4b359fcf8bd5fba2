//! Messages that an event source mapping hands over: each to its function, and each settled by what came of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use skyport_aws_wire::sqs::SqsMessage;
use skyport_core::app::{FunctionRef, Invocation, Trigger};
use skyport_core::queue::port::{MessageQueue, RawDelivery};
use skyport_core::{Error, ErrorKind, Outcome};

use crate::failure::Failure;
use crate::served::Served;

/// A message on its way through this adapter.
#[derive(Debug)]
pub(crate) struct Handed {
    /// As it was handed over, or as the queue's layers made it: with its body, and a receipt that settles both.
    pub(crate) delivery: RawDelivery,
    /// What the platform's own receipt is.
    pub(crate) plain: bool,
    /// What becomes of it, once that is known.
    pub(crate) outcome: Option<Outcome>,
}

impl Handed {
    /// As a receive makes it: what cannot be read as its envelope says comes as it is, for the handler to refuse, and only an
    /// ordered queue has groups.
    pub(crate) fn new(message: SqsMessage, ordered: bool) -> Self {
        let mut delivery = message.into_delivery().unwrap_or_else(|unreadable| *unreadable.delivery);
        delivery.group = delivery.group.filter(|_| ordered);
        Self { delivery, plain: true, outcome: None }
    }
}

/// Hands messages to the function of their queue; what becomes of each is known then.
///
/// A mapping may hand over more than one call of a batch handler takes: they are then several calls, one after the other, and
/// of an ordered group nothing is called that stands behind a failure.
pub(crate) async fn deliver(
    served: &Served,
    function: FunctionRef<'_>,
    queue: &Arc<dyn MessageQueue>,
    handed: &mut [Handed],
    invocation: Invocation,
) -> Result<(), Failure> {
    adopt(&**queue, handed).await;
    let most = match function.trigger() {
        Trigger::Queue { batch_size: Some(most), .. } => *most,
        _ => handed.len(),
    };
    let ordered = queue.info().settings.ordered;
    let mut open: Vec<&mut Handed> = handed.iter_mut().filter(|handed| handed.outcome.is_none()).collect();
    let mut failed: HashSet<String> = HashSet::new();
    for part in open.chunks_mut(most.max(1)) {
        let group = |handed: &Handed| handed.delivery.group.clone().filter(|_| ordered);
        let behind = |handed: &Handed| group(handed).is_some_and(|group| failed.contains(&group));
        let mut called: Vec<&mut Handed> = Vec::with_capacity(part.len());
        for handed in part.iter_mut() {
            if behind(handed) {
                handed.outcome = Some(Outcome::retry("a message before it in its group failed"));
            } else {
                called.push(handed);
            }
        }
        call(served, function, &mut called, invocation.clone()).await?;
        let again = called.iter().filter(|handed| matches!(handed.outcome, Some(Outcome::Retry { .. })));
        let again: Vec<String> = again.filter_map(|handed| group(handed)).collect();
        failed.extend(again);
    }
    Ok(())
}

/// One call of the dispatcher.
async fn call(
    served: &Served,
    function: FunctionRef<'_>,
    called: &mut [&mut Handed],
    invocation: Invocation,
) -> Result<(), Failure> {
    let deliveries: Vec<RawDelivery> = called.iter().map(|handed| handed.delivery.clone()).collect();
    if deliveries.is_empty() {
        return Ok(());
    }
    let cancellation = invocation.cancellation.clone();
    let delivering = served.functions.deliver(function, deliveries, invocation);
    let outcomes = match served.until_cut(&cancellation, delivering).await {
        Some(outcomes) => outcomes?,
        None => Vec::new(),
    };
    let mut outcomes = outcomes.into_iter();
    for handed in called {
        handed.outcome = Some(outcomes.next().unwrap_or_else(stopped));
    }
    Ok(())
}

/// What becomes of a message whose call was cut off.
pub(crate) fn stopped() -> Outcome {
    Outcome::retry_after(Duration::ZERO, "the process stopped before the call had ended")
}

/// Lets the queue's layers make of the messages what a receive would have made of them. In an ordered group nothing behind
/// one that has to wait is handed on.
async fn adopt(queue: &dyn MessageQueue, handed: &mut [Handed]) {
    let open: Vec<&mut Handed> = handed.iter_mut().filter(|handed| handed.outcome.is_none()).collect();
    let deliveries = open.iter().map(|handed| handed.delivery.clone()).collect();
    let mut adopted = queue.adopt(deliveries).await.into_iter();
    let mut waiting: HashSet<String> = HashSet::new();
    for handed in open {
        // One answer each, also for one that is not looked at.
        let answer =
            adopted.next().unwrap_or_else(|| Err(Error::internal("the queue gave no answer for a message")));
        let group = handed.delivery.group.clone().filter(|_| queue.info().settings.ordered);
        if group.as_ref().is_some_and(|group| waiting.contains(group)) {
            handed.outcome = Some(Outcome::retry("a message before it in its group has to wait"));
            continue;
        }
        match answer {
            Ok(None) => handed.outcome = Some(Outcome::Done),
            Ok(Some(delivery)) => {
                handed.plain = delivery.receipt == handed.delivery.receipt;
                handed.delivery = delivery;
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::TooLarge | ErrorKind::Malformed
                ) =>
            {
                handed.outcome = Some(Outcome::dead(error.message()));
            }
            Err(error) => {
                waiting.extend(group);
                handed.outcome = Some(Outcome::retry(error.to_string()));
            }
        }
    }
}
