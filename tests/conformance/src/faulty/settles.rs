//! Deliveries that are settled in a storm: what was acknowledged stays away, and all else comes again or stands in the dead letters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use skyport_core::BoxError;
use skyport_core::queue::port::{MessageQueue, OutMessage, RawDelivery, ReceiveOptions, Settlement, Verdict};
use tokio::time::Instant;

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
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
    GivenBack(Fate),
    DeadLetter(Fate),
    Forgotten,
}

impl End {
    /// What its settlement was told; none where there was none.
    fn fate(self) -> Option<Fate> {
        match self {
            Self::Acknowledged(fate) | Self::GivenBack(fate) | Self::DeadLetter(fate) => Some(fate),
            Self::Forgotten => None,
        }
    }
}

/// A delivery, and when what was done with it.
#[derive(Clone, Debug)]
struct Ended {
    body: Bytes,
    end: End,
    /// When the receive was called that brought it: its lease did not begin before.
    called: Instant,
    /// When its settlement was answered; of one that was forgotten, when it came.
    answered: Instant,
}

impl Ended {
    /// Whether this was acknowledged for good: the answer is Ok, and came while the lease surely lasted. An acknowledgement that is under way
    /// when its lease ends may go either way.
    fn is_firm(&self) -> bool {
        self.end == End::Acknowledged(Fate::Done) && self.answered - self.called < LEASE
    }
}

/// The ends of each message's deliveries, in the order of their answers.
type Ends = BTreeMap<Bytes, Vec<Ended>>;

async fn what_is_settled_stays_settled_and_all_else_comes_again(stage: Stage) -> CaseResult {
    let queue = stage.queue().await?;
    stage.line.calm();
    let bodies: Vec<Bytes> = (0..MESSAGES).map(|n| Bytes::from(format!("message {n}"))).collect();
    for sent in queue.send(bodies.iter().cloned().map(OutMessage::new).collect()).await {
        sent?;
    }
    stage.line.unleash();
    let receivers = join_all((0..3).map(|_| settle_for_a_while(&queue))).await;
    stage.line.calm();
    let mut all = receivers.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    all.sort_by_key(|ended| ended.answered);
    assert_enough(all.iter().filter_map(|ended| ended.end.fate()));
    let mut ends = Ends::new();
    for ended in all {
        ends.entry(ended.body.clone()).or_default().push(ended);
    }
    let again = drain(&queue, LEASE.max(stage.line.hidden) + Duration::from_secs(3)).await?;
    let letters = drain(&queue.dead_letters()?, Duration::from_secs(3)).await?;
    for body in &bodies {
        let ends = ends.get(body).map_or_else(Vec::new, |ends| ends.iter().map(|ended| ended.end).collect());
        judge(body, &ends, again.contains(body), letters.contains(body));
    }
    judge_duplicates(stage.line.cloud, &ends, &again);
    assert!(again.iter().chain(&letters).all(|body| bodies.contains(body)), "what was never sent came");
    Ok(Outcome::Passed)
}

/// Holds where a message is against how its deliveries ended.
fn judge(body: &Bytes, ends: &[End], again: bool, letter: bool) {
    let buried = |end: &End| matches!(end, End::DeadLetter(Fate::Done | Fate::Unknown));
    assert!(!letter || ends.iter().any(buried), "{body:?} is a dead letter after {ends:?}");
    let acknowledged = |end: &End| matches!(end, End::Acknowledged(Fate::Done | Fate::Unknown));
    // Whichever of its deliveries it was, and whatever was made of a later one.
    let explained = again || letter || ends.iter().any(acknowledged);
    let right = if ends.contains(&End::DeadLetter(Fate::Done)) {
        letter
    } else if let Some(End::DeadLetter(_)) = ends.last() {
        explained
    } else {
        // An earlier settlement of doubt may have been made late.
        explained || ends.iter().any(buried)
    };
    assert!(right, "{body:?} ended {ends:?}; it came again: {again}, it is a dead letter: {letter}");
}

/// Counts what came again after it was acknowledged for good: by a receive that was called after the answer. The contract allows a duplicate,
/// and so some do; where acknowledgements did not hold, most would.
fn judge_duplicates(cloud: &str, ends: &Ends, again: &BTreeSet<Bytes>) {
    let (mut firm, mut duplicates) = (0_usize, 0_usize);
    for (body, ends) in ends {
        let Some(answered) = ends.iter().filter(|ended| ended.is_firm()).map(|ended| ended.answered).min()
        else {
            continue;
        };
        firm += 1;
        let came = again.contains(body) || ends.iter().any(|ended| ended.called > answered);
        duplicates += usize::from(came);
    }
    skyport_figures::record(
        &format!("faulty::{cloud}::settles"),
        &format!("{firm} messages acknowledged, {duplicates} came again all the same"),
    );
    // Of few, two say nothing.
    assert!(
        4 * duplicates <= firm.max(8),
        "of {firm} that were acknowledged, {duplicates} came again: {ends:?}"
    );
}

/// Receives, and settles in batches: most are acknowledged, others are given back, buried, or forgotten.
async fn settle_for_a_while(queue: &Arc<dyn MessageQueue>) -> Result<Vec<Ended>, BoxError> {
    let (begun, mut ended, mut count) = (Instant::now(), Vec::new(), 0_usize);
    while begun.elapsed() < STORM {
        let options = ReceiveOptions::new(4, Duration::from_secs(1), LEASE);
        let called = Instant::now();
        let received = match queue.receive(options).await {
            Ok(received) => received,
            Err(error) => {
                assert_told(&error, &[]);
                continue;
            }
        };
        let (mut bodies, mut batch, came) = (Vec::new(), Vec::new(), Instant::now());
        for delivery in received {
            count += 1;
            match verdict(count, &delivery) {
                Some(verdict) => {
                    bodies.push((delivery.body.clone(), verdict.clone()));
                    batch.push(Settlement::new(delivery.receipt, verdict));
                }
                None => {
                    ended.push(Ended { body: delivery.body, end: End::Forgotten, called, answered: came })
                }
            }
        }
        let settled = queue.settle(batch).await;
        let answered = Instant::now();
        assert_eq!(settled.len(), bodies.len());
        for ((body, verdict), settled) in bodies.into_iter().zip(settled) {
            let fate = Fate::of(&settled, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
            let end = match verdict {
                Verdict::Ack => End::Acknowledged(fate),
                Verdict::DeadLetter { .. } => End::DeadLetter(fate),
                _ => End::GivenBack(fate),
            };
            ended.push(Ended { body, end, called, answered });
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
