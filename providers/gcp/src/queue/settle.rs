//! Settling: what is done is acknowledged, what comes again gets a deadline, and what is dead is sent away and then acknowledged.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream;
use skyport_core::queue::port::{OutMessage, Receipt, Settlement, Verdict};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use skyport_gcp_wire::message::{anew, is_pushed};
use tokio::time::Instant;

use super::ack_id::AckId;
use super::deadlines::LONGEST;
use super::pulled::Pulled;
use super::{CALLS, Place};

/// The reason of a letter whose attempts were spent.
pub(super) const SPENT: &str = "attempts";

/// A delivery and its place in the call.
type Placed = (usize, AckId);

/// What became of the delivery in that place.
type Settled = (usize, Result<()>);

/// What is to be done with the deliveries of one call.
#[derive(Default)]
struct Plan {
    ack: Vec<Placed>,
    /// By when they come again, in whole seconds.
    again: BTreeMap<u64, Vec<Placed>>,
    bury: Vec<(usize, AckId, OutMessage)>,
    /// What needs no call.
    told: Vec<Settled>,
}

impl Place {
    pub(super) async fn settle_all(place: &Arc<Self>, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        if let [Settlement { receipt, verdict: Verdict::Ack, .. }] = &settlements[..]
            && !is_pushed(receipt)
        {
            // Most often: with none of the lists.
            return vec![place.ack_one(receipt).await];
        }
        let mut results: Vec<Option<Result<()>>> = settlements.iter().map(|_| None).collect();
        let mut plan = place.plan(settlements).await;
        place.bury(&mut plan).await;
        let (acked, again) = join(place.ack(plan.ack), place.return_at(plan.again)).await;
        for (at, result) in plan.told.into_iter().chain(acked).chain(again) {
            results[at] = Some(result);
        }
        let never = || Err(Error::internal("a settlement was put into no batch"));
        results.into_iter().map(|result| result.unwrap_or_else(never)).collect()
    }

    /// Pub/Sub's id in a receipt.
    ///
    /// # Errors
    /// `PreconditionFailed` where its lease has ended or it is settled, as far as is known; `InvalidArgument` for what is no receipt of
    /// this provider's: Pub/Sub itself would say nothing.
    pub(super) fn handle(&self, receipt: &Receipt) -> Result<AckId> {
        if self.leases.is_ours(receipt) {
            self.leases.check(receipt).map(AckId::from)
        } else {
            Err(Refusal::BadReceipt.into())
        }
    }

    /// Sets the end of a lease.
    pub(super) async fn extend(&self, handle: &AckId, lease: Duration) -> Result<()> {
        let set = self.set_deadlines(vec![handle.clone()], lease).await;
        let set = set.into_iter().next().unwrap_or_else(|| Err(Error::internal("a deadline was not set")));
        if set.as_ref().is_err_and(|error| error.kind() == ErrorKind::PreconditionFailed) {
            self.leases.end(handle.as_str());
        }
        set
    }

    async fn plan(&self, settlements: Vec<Settlement>) -> Plan {
        let mut plan = Plan::default();
        let mut seen = HashSet::with_capacity(settlements.len());
        for (at, settlement) in settlements.into_iter().enumerate() {
            // Pub/Sub pushed it, and settles it by the answer; a layer above has kept something that ends with it.
            if is_pushed(&settlement.receipt) && settlement.verdict == Verdict::Ack {
                plan.told.push((at, Ok(())));
                continue;
            }
            match self.handle(&settlement.receipt) {
                Ok(handle) if seen.insert(handle.clone()) => {
                    self.add(&mut plan, at, handle, settlement.verdict).await;
                }
                // The first of the two is about to end it.
                Ok(_) => plan.told.push((at, Err(Refusal::NotLeased.into()))),
                Err(error) => plan.told.push((at, Err(error))),
            }
        }
        plan
    }

    async fn add(&self, plan: &mut Plan, at: usize, handle: AckId, verdict: Verdict) {
        match verdict {
            Verdict::Ack => plan.ack.push((at, handle)),
            Verdict::Retry(after) => match self.spent(&handle).await {
                Some(letter) => plan.bury.push((at, handle, letter)),
                None => {
                    let after = after.max(self.at_once());
                    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
                    plan.again.entry(seconds).or_default().push((at, handle));
                }
            },
            Verdict::DeadLetter { reason, message } => {
                plan.bury.push((at, handle, letter(*message, &reason)));
            }
            _ => plan.told.push((at, Err(Refusal::UnknownVerdict.into()))),
        }
    }

    /// The letter of a message whose attempts are spent, where it is known. What is not known is buried when it comes again.
    async fn spent(&self, handle: &AckId) -> Option<OutMessage> {
        let last = self.leases.known(handle.as_str()).last?;
        let most = self.attempts().await?;
        (last.attempt >= most).then(|| letter(last.message, SPENT))
    }

    /// Sends the letters away; the messages of those that arrived are then acknowledged, and the others stay.
    async fn bury(&self, plan: &mut Plan) {
        let mut buried = Vec::new();
        let mut letters = Vec::new();
        for (at, handle, letter) in plan.bury.drain(..) {
            if self.leases.known(handle.as_str()).buried {
                plan.ack.push((at, handle));
            } else {
                buried.push((at, handle));
                letters.push(letter);
            }
        }
        for ((at, handle), sent) in buried.into_iter().zip(self.send_away(letters).await) {
            match sent {
                Ok(()) => {
                    self.leases.bury(handle.as_str());
                    plan.ack.push((at, handle));
                }
                Err(error) => plan.told.push((at, Err(error))),
            }
        }
    }

    async fn send_away(&self, letters: Vec<OutMessage>) -> Vec<Result<()>> {
        match &self.dead {
            Some(dead) => dead.send(letters).await.into_iter().map(|sent| sent.map(drop)).collect(),
            None => letters.iter().map(|_| Err(Refusal::NoDeadLetters.into())).collect(),
        }
    }

    /// Sends away messages that were delivered too often and that nobody has seen this time. One that cannot be sent comes again.
    pub(super) async fn bury_unseen(&self, spent: Vec<Pulled>) {
        let letters = spent.iter().map(|pulled| letter(pulled.delivery.to_message(), SPENT)).collect();
        let mut gone = Vec::with_capacity(spent.len());
        for (pulled, sent) in spent.into_iter().zip(self.send_away(letters).await) {
            match sent {
                Ok(()) => gone.push(pulled.handle),
                Err(error) => self.stays(&error),
            }
        }
        for acked in self.acknowledge(gone).await {
            if let Err(error) = acked {
                self.stays(&error);
            }
        }
    }

    /// Sends messages anew that nobody has seen this time, to be counted on from the attempts before it.
    pub(super) async fn send_anew(&self, worn: Vec<Pulled>) {
        let again = worn
            .iter()
            .map(|pulled| anew(&pulled.delivery, pulled.delivery.attempt.saturating_sub(1)))
            .collect();
        let mut gone = Vec::with_capacity(worn.len());
        for (pulled, sent) in worn.into_iter().zip(self.send(again).await) {
            match sent {
                Ok(_) => gone.push(pulled.handle),
                Err(error) => self.stays(&error),
            }
        }
        for acked in self.acknowledge(gone).await {
            if let Err(error) = acked {
                self.stays(&error);
            }
        }
    }

    fn stays(&self, error: &Error) {
        let queue = &self.info.resource;
        tracing::warn!(queue, %error, "a message whose attempts are spent could not be moved; it comes again");
    }

    async fn ack_one(&self, receipt: &Receipt) -> Result<()> {
        let handle = self.handle(receipt)?;
        let acked = self.acknowledge(vec![handle.clone()]).await.pop();
        let acked = acked.unwrap_or_else(|| Err(Error::internal("an acknowledgement has no result")));
        self.end_if_over(&handle, &acked);
        acked
    }

    async fn ack(&self, placed: Vec<Placed>) -> Vec<Settled> {
        if placed.is_empty() {
            return Vec::new();
        }
        let handles = placed.iter().map(|(_, handle)| handle.clone()).collect();
        let results = self.acknowledge(handles).await;
        self.ended(placed, results)
    }

    async fn return_at(self: &Arc<Self>, again: BTreeMap<u64, Vec<Placed>>) -> Vec<Settled> {
        if again.is_empty() {
            return Vec::new();
        }
        let calls: Vec<_> =
            again.into_iter().map(|(seconds, placed)| self.return_after(seconds, placed)).collect();
        stream::iter(calls).buffer_unordered(CALLS).concat().await
    }

    async fn return_after(self: &Arc<Self>, seconds: u64, placed: Vec<Placed>) -> Vec<Settled> {
        let after = Duration::from_secs(seconds);
        let handles: Vec<AckId> = placed.iter().map(|(_, handle)| handle.clone()).collect();
        let results = self.set_deadlines(handles.clone(), after).await;
        if after > LONGEST {
            let set = handles.into_iter().zip(&results).filter(|(_, result)| result.is_ok());
            self.hide_on(set.map(|(handle, _)| handle).collect(), Instant::now() + after);
        }
        self.ended(placed, results)
    }

    /// Forgets the leases that are over now; what failed for the moment can be settled again.
    fn ended(&self, placed: Vec<Placed>, results: Vec<Result<()>>) -> Vec<Settled> {
        let one = |((at, handle), result): (Placed, Result<()>)| {
            self.end_if_over(&handle, &result);
            (at, result)
        };
        placed.into_iter().zip(results).map(one).collect()
    }

    fn end_if_over(&self, handle: &AckId, settled: &Result<()>) {
        if settled.as_ref().map_or_else(|error| error.kind() == ErrorKind::PreconditionFailed, |()| true) {
            self.leases.end(handle.as_str());
        }
    }
}

fn letter(mut message: OutMessage, reason: &str) -> OutMessage {
    message.envelope.set_reason(Some(reason));
    message.envelope.set_not_before(None);
    message.envelope.set_attempts_before(0);
    message
}
