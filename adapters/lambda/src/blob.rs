//! Events of buckets, however they come.

use futures_util::stream::{self, StreamExt};
use skyport_aws_wire::s3::{self, Notice};
use skyport_core::Outcome;
use skyport_core::app::{Invocation, Sourced};
use skyport_core::blob::port::BlobStore;
use skyport_core::queue::port::{RawDelivery, Receipt};

use crate::batch::{Handed, stopped};
use crate::failure::Failure;
use crate::served::Served;

/// How many messages are worked on at once where no function says less.
const CONCURRENCY: usize = 16;

/// Hands the events that stand in messages to their functions; what becomes of each message is known then.
///
/// A message without any, among others that have some, is a dead letter.
///
/// # Errors
/// Where no message has one that a function is for: then the queue is one that the application should declare.
pub(crate) async fn carried(
    served: &Served,
    queue: &str,
    handed: &mut [Handed],
    invocation: Invocation,
) -> Result<(), Failure> {
    let mut carried = Vec::with_capacity(handed.len());
    let mut strange = Vec::new();
    let mut concurrency = CONCURRENCY;
    for (index, handed) in handed.iter_mut().enumerate().filter(|(_, handed)| handed.outcome.is_none()) {
        let body = std::str::from_utf8(&handed.delivery.body).unwrap_or_default();
        match s3::in_text(body) {
            // Found out before any function is called.
            Ok(Some(notices)) => match at_once(served, &notices) {
                Ok(limit) => {
                    concurrency = concurrency.min(limit);
                    carried.push((index, notices));
                }
                Err(failure) => strange.push((index, failure)),
            },
            Ok(None) => strange.push((
                index,
                Failure::event(format!(
                    "messages of the queue `{queue}` came: no function is for it, and they carry no events of a bucket; \
                     give a function that queue, or set SKYPORT_FUNCTION"
                )),
            )),
            Err(error) => handed.outcome = Some(Outcome::dead(error.message())),
        }
    }
    if strange.len() == handed.len()
        && let Some((_, failure)) = strange.pop()
    {
        return Err(failure);
    }
    for (index, failure) in strange {
        handed[index].outcome = Some(Outcome::dead(failure.message()));
    }
    let attempts: Vec<u32> = handed.iter().map(|handed| handed.delivery.attempt).collect();
    let invocation = &invocation;
    let calls = stream::iter(carried.into_iter().map(|(index, notices)| {
        let attempt = attempts.get(index).copied().unwrap_or(1);
        async move { (index, deliver(served, notices, attempt, invocation).await) }
    }));
    let outcomes: Vec<_> = calls.buffer_unordered(concurrency.max(1)).collect().await;
    for (index, outcome) in outcomes {
        handed[index].outcome = Some(outcome?);
    }
    Ok(())
}

/// How many messages like this one may be worked on at once, as its functions say.
///
/// # Errors
/// Where no function is for a bucket.
fn at_once(served: &Served, notices: &[Notice]) -> Result<usize, Failure> {
    let mut limit = CONCURRENCY;
    for notice in notices {
        for (function, _) in of_bucket(served, notice)? {
            limit = limit.min(function.concurrency().unwrap_or(CONCURRENCY));
        }
    }
    Ok(limit)
}

/// Hands events to their functions. Of what becomes of each the worst is told: again, for good, done.
///
/// # Errors
/// Where no function is for their bucket.
pub(crate) async fn deliver(
    served: &Served,
    notices: Vec<Notice>,
    attempt: u32,
    invocation: &Invocation,
) -> Result<Outcome, Failure> {
    let mut worst = Outcome::Done;
    for notice in notices {
        for (function, bucket) in of_bucket(served, &notice)? {
            let event = match notice.event.clone().seen_from(&**bucket, notice.may_live).await {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(error) => {
                    worst = worst.worse(Outcome::retry(error.to_string()));
                    continue;
                }
            };
            // As the message that a subscription would have given: limits, attempts and failures are then the same.
            let mut delivery =
                RawDelivery::new(invocation.id.clone(), event.to_json(), Receipt::new(""), event.time);
            delivery.attempt = attempt;
            let mut invocation = invocation.clone();
            invocation.cancellation = invocation.cancellation.child();
            let cancellation = invocation.cancellation.clone();
            let delivering = served.functions.deliver(function, vec![delivery], invocation);
            let outcomes = match served.until_cut(&cancellation, delivering).await {
                Some(outcomes) => outcomes?,
                None => vec![stopped()],
            };
            worst = outcomes.into_iter().fold(worst, Outcome::worse);
        }
    }
    Ok(worst)
}

fn of_bucket<'s>(served: &'s Served, notice: &Notice) -> Result<Vec<Sourced<'s, dyn BlobStore>>, Failure> {
    let sourced = served.sources().bucket(&notice.event.bucket, notice.event.change);
    sourced.map_err(|error| Failure::strange(&error))
}
