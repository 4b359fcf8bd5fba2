//! What is native and what is built: the store is this process's own, so nearly all of it is native.

use skyport_core::Support;
use skyport_core::blob::port::BlobCapabilities;
use skyport_core::kv::port::TableCapabilities;
use skyport_core::queue::port::QueueCapabilities;

/// Of a bucket.
pub(crate) fn blob() -> BlobCapabilities {
    let mut can = BlobCapabilities::default();
    can.conditional_writes = Support::Native("one lock");
    can.conditional_reads = Support::Native("one lock");
    can.conditional_deletes = Support::Native("one lock");
    can.lost_answers = Support::Native("the write's token, with the object");
    can.streams = Support::Native("parts in memory");
    can.copy = Support::Native("the same bytes, shared");
    can.delete_many = Support::Native("one after the other");
    can.list_order = Support::Native("a sorted map");
    can.start_after = Support::Native("a sorted map");
    can.metadata = Support::Native("");
    can.sign = Support::Built("a key of its own; `skyport::testing` and the server serve them");
    can.events = Support::Native("a queue for each subscriber");
    can.flat = Support::Native("");
    can
}

/// Of a queue.
pub(crate) fn queue() -> QueueCapabilities {
    let mut can = QueueCapabilities::default();
    can.lease = Support::Native("timer");
    can.wait = Support::Native("woken by the send");
    can.retry_after = Support::Native("timer");
    can.max_attempts = Support::Native("a list");
    can.dead_letter = Support::Native("a list");
    can.attributes = Support::Native("");
    can.any_bytes = Support::Native("");
    can.send_all = Support::Native("");
    can.delay = Support::Native("timer");
    can.dedupe = Support::Native("");
    can.ordered = Support::Native("");
    can.attempts = Support::Native("");
    can.depth = Support::Native("");
    can
}

/// Of a table.
pub(crate) fn kv() -> TableCapabilities {
    let mut can = TableCapabilities::default();
    can.conditions = Support::Native("one lock");
    can.versions = Support::Native("one counter for the store");
    can.lost_answers = Support::Native("the write's token, with the item");
    can.consistent_reads = Support::Native("one lock");
    can.key_order = Support::Native("a sorted map");
    can.transactions = Support::Native("one lock");
    can.increment = Support::Native("one lock");
    can.get_many = Support::Native("");
    can.write_many = Support::Native("");
    can.expiry = Support::Built("a filter");
    can.reverse = Support::Native("a sorted map");
    can.deletes_expired = Support::Unsupported("they are hidden at once, and removed by `sweep`");
    can
}
