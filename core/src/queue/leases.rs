//! What this process knows of the leases that it holds, for a provider whose service does not tell.
//!
//! Some services settle a delivery that is settled already, or one whose lease has ended, and say Ok. So a queue keeps the
//! receipts that it gave, until they are settled or their leases end. A receipt that another process or the platform gave
//! is not known here: what the service says of it is all there is.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::port::{OutMessage, Receipt, bytes_of};
use crate::refusal::Refusal;
use crate::{Result, Token};

/// The most bytes of bodies and attributes that are kept for the dead letters.
const KEPT_BYTES: usize = 32 << 20;

/// How often leases that have ended are let go.
const SWEEP: Duration = Duration::from_secs(1);

/// The leases that one opened queue has given and that have not come to an end.
#[derive(Debug)]
pub struct Leases {
    prefix: &'static str,
    /// What a receipt of this queue begins with: prefix, token and colon.
    own: Box<str>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    leases: HashMap<Handle, Lease>,
    kept_bytes: usize,
    sweep_at: Option<Instant>,
}

/// The service's handle as it stands in a receipt of this queue: the two share their text.
#[derive(Debug)]
struct Handle {
    receipt: Receipt,
    from: usize,
}

impl Handle {
    fn as_str(&self) -> &str {
        self.receipt.as_str().get(self.from..).unwrap_or_default()
    }
}

impl Borrow<str> for Handle {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Handle {}

/// As its text: by that it is looked up.
impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[derive(Debug)]
struct Lease {
    ends: Instant,
    last: Option<Box<Last>>,
    /// It lies among the dead letters and is only to be deleted.
    buried: bool,
    /// The service's newer handle for it, under which the rest stands.
    moved: Option<Box<str>>,
}

/// A message whose attempts may be spent, for the dead letters.
#[derive(Clone, Debug)]
pub struct Last {
    /// Which delivery it was.
    pub attempt: u32,
    /// The message as it was received.
    pub message: OutMessage,
}

/// What is known of a delivery that is to be settled.
#[derive(Debug, Default)]
pub struct Known {
    /// What a retry sends to the dead letters where its attempts are spent.
    pub last: Option<Box<Last>>,
    /// It lies among the dead letters already.
    pub buried: bool,
}

impl Leases {
    /// None yet. A receipt of ours begins with `prefix`, which no receipt of the service does; the token of the queue that gave it
    /// and a colon follow, then the service's own handle.
    #[must_use]
    pub fn new(prefix: &'static str) -> Self {
        let own = format!("{prefix}{}:", Token::new()).into();
        Self { prefix, own, held: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a lease that ends at `ends` at the latest, and gives its receipt. `last` is the message, where this may
    /// be its last attempt.
    #[must_use]
    pub fn hold(&self, handle: &str, ends: Instant, last: Option<Last>) -> Receipt {
        let mut held = self.lock();
        held.sweep();
        let room = KEPT_BYTES.saturating_sub(held.kept_bytes);
        let last = last.filter(|last| kept(Some(last)) <= room).map(Box::new);
        held.kept_bytes += kept(last.as_deref());
        let receipt = self.receipt(handle);
        held.leases.insert(self.key(&receipt), Lease { ends, last, buried: false, moved: None });
        receipt
    }

    fn receipt(&self, handle: &str) -> Receipt {
        Receipt::new([&*self.own, handle].concat())
    }

    /// Under what the lease of a receipt of this queue stands.
    fn key(&self, receipt: &Receipt) -> Handle {
        Handle { receipt: receipt.clone(), from: self.own.len() }
    }

    /// Whether a queue like this one gave the receipt, here or in another process: no other service and no platform.
    #[must_use]
    pub fn is_ours(&self, receipt: &Receipt) -> bool {
        receipt.as_str().starts_with(&*self.own) || self.split(receipt).is_some()
    }

    /// The service's handle in a receipt, or the newer one that it gave since; a receipt that is not ours is nothing but a handle.
    ///
    /// # Errors
    /// `PreconditionFailed` where it is known that its lease has ended or that it is settled.
    pub fn check(&self, receipt: &Receipt) -> Result<String> {
        self.find(receipt).map(Cow::into_owned)
    }

    /// As [`check`](Self::check), and most often nothing but the place in the receipt where the handle stands.
    ///
    /// # Errors
    /// Likewise.
    pub fn find<'r>(&self, receipt: &'r Receipt) -> Result<Cow<'r, str>> {
        let own = receipt.as_str().strip_prefix(&*self.own);
        let told = own.or_else(|| self.split(receipt)).unwrap_or(receipt.as_str());
        let held = self.lock();
        let latest = held.latest(told);
        let lasts = || held.leases.get(latest).is_some_and(|lease| lease.ends > Instant::now());
        if own.is_some() && !lasts() {
            return Err(Refusal::NotLeased.into());
        }
        Ok(if latest == told { Cow::Borrowed(told) } else { Cow::Owned(latest.to_owned()) })
    }

    /// The service's handle in a receipt that a queue like this one gave; `None` for a receipt that is nothing but a handle.
    fn split<'r>(&self, receipt: &'r Receipt) -> Option<&'r str> {
        let (owner, handle) = receipt.as_str().strip_prefix(self.prefix)?.split_once(':')?;
        owner.parse::<Token>().is_ok().then_some(handle)
    }

    /// What is known of a delivery beyond its handle.
    #[must_use]
    pub fn known(&self, handle: &str) -> Known {
        let held = self.lock();
        let lease = held.leases.get(handle);
        lease.map_or_else(Known::default, |lease| Known { last: lease.last.clone(), buried: lease.buried })
    }

    /// The lease now ends at `ends`.
    pub fn prolong(&self, handle: &str, ends: Instant) {
        if let Some(lease) = self.lock().leases.get_mut(handle) {
            lease.ends = ends;
        }
    }

    /// The service gave another handle for a lease, which now ends at `ends`: the receipt of that. What was known goes on with it. The
    /// old receipt leads to it, too, here and until then: whoever dropped the call that brought the new one still has the old.
    #[must_use]
    pub fn renew(&self, handle: &str, renewed: &str, ends: Instant) -> Receipt {
        let mut held = self.lock();
        let new = || Lease { ends, last: None, buried: false, moved: None };
        let lease = held.leases.remove(handle).map_or_else(new, |lease| Lease { ends, ..lease });
        held.leases.insert(self.key(&self.receipt(handle)), Lease { moved: Some(renewed.into()), ..new() });
        // Last: a service may give the same handle again.
        let receipt = self.receipt(renewed);
        held.leases.insert(self.key(&receipt), lease);
        receipt
    }

    /// The message lies among the dead letters: a settlement that is repeated only deletes it.
    pub fn bury(&self, handle: &str) {
        if let Some(lease) = self.lock().leases.get_mut(handle) {
            lease.buried = true;
        }
    }

    /// The delivery has come to its end.
    pub fn end(&self, handle: &str) {
        let mut held = self.lock();
        if let Some(lease) = held.leases.remove(handle) {
            held.kept_bytes -= kept(lease.last.as_deref());
        }
    }
}

impl Held {
    /// The newest handle of a lease.
    fn latest<'h>(&'h self, mut handle: &'h str) -> &'h str {
        while let Some(newer) = self.leases.get(handle).and_then(|lease| lease.moved.as_deref()) {
            handle = newer;
        }
        handle
    }

    /// Lets go of what has ended. How many there are is bounded by what the receivers hold.
    fn sweep(&mut self) {
        let now = Instant::now();
        if self.sweep_at.is_some_and(|due| due > now) {
            return;
        }
        self.sweep_at = Some(now + SWEEP);
        self.leases.retain(|_, lease| lease.ends > now);
        self.kept_bytes = self.leases.values().map(|lease| kept(lease.last.as_deref())).sum();
    }
}

fn kept(last: Option<&Last>) -> usize {
    last.map_or(0, |last| last.message.body.len() + bytes_of(&last.message.attributes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const PREFIX: &str = "skyport-test:";

    const MINUTE: Duration = Duration::from_secs(60);

    fn refused(leases: &Leases, receipt: &Receipt) -> Option<ErrorKind> {
        leases.check(receipt).err().map(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn a_receipt_is_good_until_it_is_settled_or_its_lease_ends() {
        let leases = Leases::new(PREFIX);
        let over = Some(ErrorKind::PreconditionFailed);
        let first = leases.hold("AQEB+/=", Instant::now() + MINUTE, None);
        let handle = leases.check(&first).expect("held");
        assert_eq!(handle, "AQEB+/=");
        leases.end(&handle);
        assert_eq!(refused(&leases, &first), over);
        let second = leases.hold("x", Instant::now() + MINUTE, None);
        let handle = leases.check(&second).expect("held");
        leases.prolong(&handle, Instant::now() + MINUTE * 2);
        tokio::time::advance(MINUTE).await;
        assert_eq!(refused(&leases, &second), None);
        tokio::time::advance(MINUTE).await;
        assert_eq!(refused(&leases, &second), over);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_has_another_handle_goes_on_and_its_old_receipts_lead_to_it() {
        let leases = Leases::new(PREFIX);
        let last = Last { attempt: 5, message: OutMessage::new("x") };
        let first = leases.hold("1", Instant::now() + MINUTE, Some(last));
        leases.bury("1");
        let second = leases.renew("1", "2", Instant::now() + MINUTE * 2);
        tokio::time::advance(MINUTE).await;
        let third = leases.renew("2", "3", Instant::now() + MINUTE * 2);
        for receipt in [&first, &second, &third] {
            let handle = leases.check(receipt).expect("it lasts");
            let known = leases.known(&handle);
            assert!(handle == "3" && known.buried && known.last.is_some_and(|last| last.attempt == 5));
        }
        leases.end("3");
        for receipt in [&first, &second, &third] {
            assert_eq!(refused(&leases, receipt), Some(ErrorKind::PreconditionFailed));
        }
        assert_eq!(leases.lock().kept_bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handle_that_comes_again_and_one_of_the_platforms_lead_nowhere_in_a_circle() {
        let leases = Leases::new(PREFIX);
        let receipt = leases.hold("1", Instant::now() + MINUTE, None);
        for (old, new) in [("1", "1"), ("1", "2"), ("2", "1")] {
            let renewed = leases.renew(old, new, Instant::now() + MINUTE);
            assert_eq!(leases.check(&renewed).expect("it lasts"), new);
            assert_eq!(leases.check(&receipt).expect("it lasts"), new);
        }
        let theirs = Receipt::new("theirs");
        let ours = leases.renew("theirs", "ours", Instant::now() + MINUTE);
        assert_eq!(leases.check(&theirs).expect("not known to have ended"), "ours");
        assert_eq!(leases.check(&ours).expect("held now"), "ours");
    }

    #[tokio::test(start_paused = true)]
    async fn receipts_of_others_and_of_the_platform_are_left_to_the_service() {
        let leases = Leases::new(PREFIX);
        let theirs = Leases::new(PREFIX).hold("AQEB", Instant::now(), None);
        let handle = leases.check(&theirs).expect("not known to have ended");
        assert_eq!(handle, "AQEB");
        assert!(leases.is_ours(&theirs));
        for raw in ["AQEBzWwaftRI0KuVm4tP+/==", "", "skyport-test:", "skyport-test:x:y"] {
            let handle = leases.check(&Receipt::new(raw)).expect("not known");
            assert_eq!(handle, raw);
            assert!(!leases.is_ours(&Receipt::new(raw)), "{raw}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded_and_let_go_with_its_lease() {
        let leases = Leases::new(PREFIX);
        let large = || {
            let mut message = OutMessage::new(vec![0; KEPT_BYTES / 2 - 7]);
            message.attributes.insert("four".into(), "four".into());
            Some(Last { attempt: 5, message })
        };
        let receipts: Vec<Receipt> =
            (0..2).map(|n| leases.hold(&n.to_string(), Instant::now() + MINUTE, large())).collect();
        let kept = |at: usize| leases.known(&leases.check(&receipts[at]).expect("held")).last.is_some();
        assert!(kept(0) && !kept(1), "the second found no room");
        tokio::time::advance(MINUTE).await;
        let _ = leases.hold("z", Instant::now() + MINUTE, large());
        let held = leases.lock();
        assert_eq!((held.leases.len(), held.kept_bytes), (1, KEPT_BYTES / 2 + 1));
    }
}
