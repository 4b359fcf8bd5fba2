//! What became of the messages of one case.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skyport_core::queue::port::Depth;
use tokio::sync::watch;

/// Which messages were sent and which acknowledged, by their queues, and how many pushes are under way. What the emulator itself
/// moves to dead letters is seen by nobody here, and counts as left in its queue.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    accounts: Arc<Mutex<HashMap<String, Account>>>,
    under_way: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Account {
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    under_way: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { accounts: Arc::default(), under_way: watch::Sender::new(0) }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an account for a queue, unless there is one.
    pub(crate) fn open(&self, queue: &str) {
        self.accounts().entry(queue.to_owned()).or_default();
    }

    /// Whether there is an account for that queue.
    pub(crate) fn knows(&self, queue: &str) -> bool {
        self.accounts().contains_key(queue)
    }

    pub(crate) fn sent(&self, queue: &str, id: &str) {
        self.accounts().entry(queue.to_owned()).or_default().sent.insert(id.to_owned());
    }

    pub(crate) fn acknowledged(&self, queue: &str, id: &str) {
        self.accounts().entry(queue.to_owned()).or_default().acknowledged.insert(id.to_owned());
    }

    /// A push begins; it ends when the result is dropped.
    pub(crate) fn push(&self, queue: &str) -> Push {
        self.accounts().entry(queue.to_owned()).or_default().under_way += 1;
        self.under_way.send_modify(|count| *count += 1);
        Push { ledger: self.clone(), queue: queue.to_owned() }
    }

    /// Waits until no push is under way.
    pub(crate) async fn quiet(&self) {
        let mut under_way = self.under_way.subscribe();
        under_way.wait_for(|count| *count == 0).await.expect("this ledger sends");
    }

    /// How many messages of a queue are left.
    pub(crate) fn depth(&self, queue: &str) -> Depth {
        let accounts = self.accounts();
        let mut depth = Depth::default();
        if let Some(account) = accounts.get(queue) {
            let left = account.sent.difference(&account.acknowledged).count() as u64;
            depth.in_flight = account.under_way.min(left);
            depth.ready = left - depth.in_flight;
        }
        depth
    }
}

/// A push under way.
#[derive(Debug)]
pub(crate) struct Push {
    ledger: Ledger,
    queue: String,
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Some(account) = self.ledger.accounts().get_mut(&self.queue) {
            account.under_way -= 1;
        }
        self.ledger.under_way.send_modify(|count| *count -= 1);
    }
}
