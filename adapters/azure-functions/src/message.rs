//! A message that the host handed over: to its function, and settled by what came of it.

use std::sync::Arc;
use std::time::SystemTime;

use skyport_core::app::{FunctionRef, Functions, Invocation};
use skyport_core::queue::port::{MessageQueue, RawDelivery, Receipt};
use skyport_core::{Error, ErrorKind, Outcome};
use tokio::time::Instant;

use crate::event::{Envelope, queue};
use crate::reply::Answer;
use crate::settle::Settler;

/// Hands the message of a call to the function of its queue, and settles it, by the end of the host's time.
pub(crate) async fn deliver(
    functions: &Functions,
    (function, queue): (FunctionRef<'_>, &Arc<dyn MessageQueue>),
    envelope: &Envelope<'_>,
    invocation: Invocation,
    end: Option<Instant>,
) -> Answer {
    let Some(handed) = queue::handed(envelope, &invocation.id, SystemTime::now()) else {
        return Answer::malformed(&Error::new(
            ErrorKind::Malformed,
            "the call of a queue's function has no message",
        ));
    };
    let settler = Settler::new(queue, handed.receipt.clone(), end);
    let receipt = handed.receipt.unwrap_or_else(|| Receipt::new(""));
    let delivery = match handed.message.into_delivery(receipt) {
        Ok(delivery) => delivery,
        Err(unreadable) => {
            let outcome = Outcome::dead(unreadable.error.message());
            return settler.by(&unreadable.delivery, outcome).await;
        }
    };
    let delivery = match adopted(queue, &settler, delivery).await {
        Ok(delivery) => delivery,
        Err(answer) => return answer,
    };
    let outcome = match functions.deliver(function, vec![delivery.clone()], invocation).await {
        Ok(mut outcomes) => outcomes.pop().unwrap_or_else(|| Outcome::retry("the handler gave no outcome")),
        Err(error) => Outcome::retry(error.to_string()),
    };
    settler.by(&delivery, outcome).await
}

/// Lets the queue's layers make of the message what a receive would have made of it.
async fn adopted(
    queue: &Arc<dyn MessageQueue>,
    settler: &Settler<'_>,
    delivery: RawDelivery,
) -> Result<RawDelivery, Answer> {
    let no_answer = || Err(Error::internal("the queue gave no answer for a message"));
    let adopted = settler.in_time(queue.adopt(vec![delivery.clone()])).await;
    match adopted.and_then(|mut adopted| adopted.pop().unwrap_or_else(no_answer)) {
        Ok(Some(adopted)) => Ok(adopted),
        Ok(None) => Err(Answer::Done),
        Err(error) => {
            // What can never be read goes to the dead letters, as a receive would have put it there.
            let outcome = match error.kind() {
                ErrorKind::NotFound | ErrorKind::TooLarge | ErrorKind::Malformed => {
                    Outcome::dead(error.message())
                }
                _ => Outcome::retry(error.to_string()),
            };
            Err(settler.by(&delivery, outcome).await)
        }
    }
}
