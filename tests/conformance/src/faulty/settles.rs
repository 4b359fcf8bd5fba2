//! Deliveries that are settled in a storm: what was acknowledged stays away, and all else comes again or stands in the dead letters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use skyport_core::BoxError;
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, ReceiveOptions, Settlement, Verdict};
use tokio::time::Instant;

use super::stage::{Fate, Stage, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;
use skyport_core::ErrorKind;

faulty_cases![what_is_settled_stays_settled_and_all_else_comes_again];

const MESSAGES: usize = 40;
/// Of deliveries in the storm: what a lost answer leased is back soon, and a machine that stands still is not taken for a fault.
const LEASE: Duration = Duration::from_secs(8);
/// How long the storm lasts: some leases' time, so that what came once comes again.
const STORM: Duration = Duration::from_secs(12);
const LONG: Duration = Duration::from_secs(120);

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Acknowledged(Fate),
    GivenBack,
    DeadLetter(Fate),
    Forgotten,
}

/// The ends of each message's deliveries, in order.
type Ends = BTreeMap<Bytes, Vec<End>>;

async fn what_is_settled_stays_settled_and_all_else_comes_again(stage: Stage) -> CaseResult {
    let queue = stage.queue().await?;
    stage.line.calm();
    let bodies: Vec<Bytes> = (0..MESSAGES).map(|n| Bytes::from(format!("message {n}"))).collect();
    for sent in queue.send(bodies.iter().cloned().map(OutMessage::new).collect()).await {
        sent?;
    }
    stage.line.unleash();
    let receivers = join_all((0..3).map(|_| settle_for_a_while(&queue))).await;
    let mut ends = Ends::new();
    for (at, body, end) in ordered(receivers.into_iter().collect::<Result<Vec<_>, _>>()?.concat()) {
        let before = ends.entry(body.clone()).or_default();
        let done = before
            .iter()
            .any(|end| matches!(end, End::Acknowledged(Fate::Done) | End::DeadLetter(Fate::Done)));
        assert!(!done, "{body:?} came again at {at:?} after {before:?}");
        before.push(end);
    }
    stage.line.calm();
    let again = drain(&queue, LEASE.max(stage.line.hidden) + Duration::from_secs(3)).await?;
    let letters = drain(&queue.dead_letters()?, Duration::from_secs(3)).await?;
    for body in &bodies {
        judge(
            body,
            ends.get(body).map_or(&[][..], Vec::as_slice),
            again.contains(body),
            letters.contains(body),
        );
    }
    assert!(again.iter().chain(&letters).all(|body| bodies.contains(body)), "what was never sent came");
    Ok(Outcome::Passed)
}

/// Holds where a message is against how its deliveries ended.
fn judge(body: &Bytes, ends: &[End], again: bool, letter: bool) {
    let buried = |end: &End| matches!(end, End::DeadLetter(Fate::Done | Fate::Unknown));
    assert!(!letter || ends.iter().any(buried), "{body:?} is a dead letter after {ends:?}");
    let right = match ends.last() {
        Some(End::Acknowledged(Fate::Done)) => !again,
        Some(End::Acknowledged(Fate::Unknown)) => true,
        Some(End::DeadLetter(Fate::Done)) => letter && !again,
        Some(End::DeadLetter(_)) => letter || again,
        Some(End::Acknowledged(Fate::Refused) | End::GivenBack | End::Forgotten) | None => {
            // An earlier settlement of doubt may have been made late.
            again || ends.iter().any(|end| matches!(end, End::Acknowledged(Fate::Unknown)) || buried(end))
        }
    };
    assert!(right, "{body:?} ended {ends:?}; it came again: {again}, it is a dead letter: {letter}");
}

fn ordered(mut ended: Vec<(Instant, Bytes, End)>) -> Vec<(Instant, Bytes, End)> {
    ended.sort_by_key(|(at, ..)| *at);
    ended
}

/// Receives, and settles in batches: most are acknowledged, others are given back, buried, or forgotten.
async fn settle_for_a_while(queue: &Arc<dyn MessageQueue>) -> Result<Vec<(Instant, Bytes, End)>, BoxError> {
    let (begun, mut ended, mut count) = (Instant::now(), Vec::new(), 0_usize);
    while begun.elapsed() < STORM {
        let options = ReceiveOptions::new(4, Duration::from_secs(1), LEASE);
        let received = match queue.receive(options).await {
            Ok(received) => received,
            Err(error) => {
                assert_told(&error, &[]);
                continue;
            }
        };
        let (mut bodies, mut batch, at) = (Vec::new(), Vec::new(), Instant::now());
        for delivery in received {
            count += 1;
            match verdict(count, &delivery) {
                Some(verdict) => {
                    bodies.push((delivery.body.clone(), verdict.clone()));
                    batch.push(Settlement::new(delivery.receipt, verdict));
                }
                None => ended.push((at, delivery.body, End::Forgotten)),
            }
        }
        let settled = queue.settle(batch).await;
        assert_eq!(settled.len(), bodies.len());
        for ((body, verdict), settled) in bodies.into_iter().zip(settled) {
            let fate = Fate::of(&settled, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
            let end = match verdict {
                Verdict::Ack => End::Acknowledged(fate),
                Verdict::DeadLetter { .. } => End::DeadLetter(fate),
                _ => End::GivenBack,
            };
            ended.push((at, body, end));
        }
    }
    Ok(ended)
}

fn verdict(count: usize, delivery: &RawDelivery) -> Option<Verdict> {
    match count % 7 {
        0 => None,
        1 | 4 => Some(Verdict::Retry(Duration::ZERO)),
        3 => Some(Verdict::DeadLetter {
            reason: "in the storm".to_owned(),
            message: Box::new(delivery.to_message()),
        }),
        _ => Some(Verdict::Ack),
    }
}

/// Receives and acknowledges on a calm line until nothing has come for so long.
async fn drain(queue: &Arc<dyn MessageQueue>, quiet: Duration) -> Result<BTreeSet<Bytes>, BoxError> {
    let mut arrived = BTreeSet::new();
    loop {
        let received = queue.receive(ReceiveOptions::new(10, quiet, LONG)).await?;
        if received.is_empty() {
            return Ok(arrived);
        }
        let acks = received.iter().map(|delivery| Settlement::new(delivery.receipt.clone(), Verdict::Ack));
        for acked in queue.settle(acks.collect()).await {
            acked?;
        }
        arrived.extend(received.into_iter().map(|delivery| delivery.body));
    }
}
