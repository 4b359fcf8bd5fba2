//! Settling: what is done is deleted, what comes again is hidden for so long, and what is dead is sent away and then deleted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::clock::whole_seconds;
use skyport_core::queue::port::{OutMessage, Receipt, Settlement, Verdict};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::turns::{Turn, Turns};
use super::{Place, all};

/// The reason of a letter whose attempts were spent.
pub(super) const SPENT: &str = "attempts";

/// What is to be done with a delivery.
enum Deed {
    Delete,
    /// Visible again after so many seconds.
    Hide(i32),
    Bury(Box<OutMessage>),
}

impl Place {
    /// One result each, in order. One that waits for an extension holds up none of the others.
    pub(super) async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let settlements = match <[Settlement; 1]>::try_from(settlements) {
            // A single one needs nobody to look after several.
            Ok([only]) => return vec![self.settle_one(only).await],
            Err(several) => several,
        };
        let mut seen = HashSet::new();
        let calls: Vec<_> =
            settlements.into_iter().map(|one| (self.first(&one.receipt, &mut seen), one)).collect();
        let settle = |(first, settlement): (Result<()>, Settlement)| async move {
            match first {
                Ok(()) => self.settle_one(settlement).await,
                Err(error) => Err(error),
            }
        };
        all(calls.into_iter().map(settle).collect()).await
    }

    /// Whether a receipt is of use, and the first of its delivery: that one is about to end it.
    fn first(&self, receipt: &Receipt, seen: &mut HashSet<String>) -> Result<()> {
        match seen.insert(self.leases.check(receipt)?) {
            true => Ok(()),
            false => Err(Refusal::NotLeased.into()),
        }
    }

    async fn settle_one(&self, settlement: Settlement) -> Result<()> {
        let Settlement { receipt, verdict, .. } = settlement;
        let turn = self.turn(&receipt).await?;
        let deed = self.deed(turn.handle(), verdict)?;
        let settled = self.carry_out(turn.handle(), deed).await;
        // What failed for the moment can be settled again.
        if settled.as_ref().map_or_else(is_over, |()| true) {
            self.leases.end(turn.handle());
        }
        settled
    }

    /// Sets the end of a lease; gives the receipt that is of use from now on. What has begun runs to its end in a task of its own: if this
    /// is dropped, the old receipt leads to the new one all the same.
    pub(super) async fn extend(place: &Arc<Self>, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let turn = place.turn(receipt).await?;
        let extending = Arc::clone(place);
        let task = tokio::spawn(async move { extending.extend_now(turn.handle(), lease).await });
        task.await.unwrap_or_else(|error| {
            let text = "the extension was ended with its runtime: it may have been made";
            Err(Error::new(ErrorKind::Unavailable, text).with_ambiguous(true).with_source(error))
        })
    }

    async fn extend_now(&self, handle: &str, lease: Duration) -> Result<Receipt> {
        let asked = Instant::now();
        match self.hide(handle, whole_seconds(lease)).await {
            Ok(renewed) => Ok(self.leases.renew(handle, renewed.as_str(), asked + lease)),
            Err(error) => {
                if is_over(&error) {
                    self.leases.end(handle);
                }
                Err(error)
            }
        }
    }

    /// The turn of a receipt's delivery, under the newest handle of its lease.
    async fn turn(&self, receipt: &Receipt) -> Result<Turn> {
        Turns::take(&self.turns, || self.leases.check(receipt)).await
    }

    /// What a verdict comes to.
    fn deed(&self, handle: &str, verdict: Verdict) -> Result<Deed> {
        Ok(match verdict {
            Verdict::Ack => Deed::Delete,
            Verdict::Retry(after) => match self.spent(handle) {
                Some(letter) => Deed::Bury(Box::new(letter)),
                None => Deed::Hide(whole_seconds(after)),
            },
            Verdict::DeadLetter { reason, message } => Deed::Bury(Box::new(letter(*message, &reason))),
            _ => return Err(Refusal::UnknownVerdict.into()),
        })
    }

    /// The letter of a message whose attempts are spent, where it is known. What is not known is moved when it comes again.
    fn spent(&self, handle: &str) -> Option<OutMessage> {
        let last = self.leases.known(handle).last?;
        Some(letter(last.message, SPENT))
    }

    async fn carry_out(&self, handle: &str, deed: Deed) -> Result<()> {
        match deed {
            Deed::Delete => self.delete(handle).await,
            Deed::Hide(seconds) => self.hide(handle, seconds).await.map(drop),
            Deed::Bury(letter) => {
                let dead = self.letters().ok_or(Refusal::NoDeadLetters)?;
                // A settlement that is repeated since the message could not be deleted sends no second letter.
                if !self.leases.known(handle).buried {
                    dead.bury(*letter, &OnceCell::new()).await?;
                    self.leases.bury(handle);
                }
                self.delete(handle).await
            }
        }
    }
}

/// Whether a delivery is not ours any more.
fn is_over(error: &Error) -> bool {
    error.kind() == ErrorKind::PreconditionFailed
}

pub(super) fn letter(mut message: OutMessage, reason: &str) -> OutMessage {
    message.envelope.set_reason(Some(reason));
    message.envelope.set_not_before(None);
    message.envelope.set_attempts_before(0);
    message
}
