//! Settling: what is done is deleted, what comes again is hidden for so long, and what is dead is sent away and then deleted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use skyport_core::clock::whole_seconds;
use skyport_core::queue::port::{OutMessage, Receipt, Settlement, Verdict};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::extending::Extending;
use super::{CALLS, Place};

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
    /// One result each, in order.
    pub(super) async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let mut seen = HashSet::new();
        let mut plan = Vec::with_capacity(settlements.len());
        for Settlement { receipt, verdict, .. } in settlements {
            let handle = self.handle(&receipt).await;
            plan.push(handle.and_then(|handle| self.plan(handle, verdict, &mut seen)));
        }
        let calls = plan.into_iter().map(|planned| async move {
            let (handle, deed) = planned?;
            let settled = self.carry_out(&handle, deed).await;
            // What failed for the moment can be settled again.
            if settled.as_ref().map_or_else(is_over, |()| true) {
                self.leases.end(&handle);
            }
            settled
        });
        stream::iter(calls).buffered(CALLS).collect().await
    }

    /// Sets the end of a lease; gives the receipt that is of use from now on. What has begun runs to its end in a task of its own: if this
    /// is dropped, the old receipt leads to the new one all the same.
    pub(super) async fn extend(place: &Arc<Self>, receipt: &Receipt, lease: Duration) -> Result<Receipt> {
        let (handle, under_way) = loop {
            let handle = place.handle(receipt).await?;
            if let Some(under_way) = Extending::begin(&place.extending, &handle) {
                break (handle, under_way);
            }
        };
        let extending = Arc::clone(place);
        let task = tokio::spawn(async move {
            let extended = extending.extend_now(&handle, lease).await;
            drop(under_way);
            extended
        });
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

    /// The newest handle of a receipt's lease: an extension that is under way may bring another.
    async fn handle(&self, receipt: &Receipt) -> Result<String> {
        loop {
            let handle = self.leases.check(receipt)?;
            if !self.extending.wait(&handle).await {
                return Ok(handle);
            }
        }
    }

    fn plan(&self, handle: String, verdict: Verdict, seen: &mut HashSet<String>) -> Result<(String, Deed)> {
        if !seen.insert(handle.clone()) {
            // The first of the two is about to end it.
            return Err(Refusal::NotLeased.into());
        }
        let deed = match verdict {
            Verdict::Ack => Deed::Delete,
            Verdict::Retry(after) => match self.spent(&handle) {
                Some(letter) => Deed::Bury(Box::new(letter)),
                None => Deed::Hide(whole_seconds(after)),
            },
            Verdict::DeadLetter { reason, message } => Deed::Bury(Box::new(letter(*message, &reason))),
            _ => return Err(Refusal::UnknownVerdict.into()),
        };
        Ok((handle, deed))
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
                    for sent in dead.bury(vec![*letter]).await {
                        sent?;
                    }
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
