//! Numbers that are never given twice by the queues of one provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many a queue takes at once, so that it need not meet the other queues for each.
const BLOCK: u64 = 1_024;

/// What numbers a queue's messages and deliveries: no other queue gives the same, so that a receipt fits only its own.
pub(super) struct Numbers {
    shared: Arc<AtomicU64>,
    next: u64,
    end: u64,
}

impl Numbers {
    pub(super) fn of(shared: &Arc<AtomicU64>) -> Self {
        Self { shared: Arc::clone(shared), next: 0, end: 0 }
    }

    pub(super) fn take(&mut self) -> u64 {
        if self.next == self.end {
            self.next = self.shared.fetch_add(BLOCK, Ordering::Relaxed);
            self.end = self.next + BLOCK;
        }
        self.next += 1;
        self.next - 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let shared = Arc::new(AtomicU64::new(1));
        let (mut first, mut second) = (Numbers::of(&shared), Numbers::of(&shared));
        let given: HashSet<u64> = (0..3_000).flat_map(|_| [first.take(), second.take()]).collect();
        assert_eq!(given.len(), 6_000);
    }
}
