//! What is native and what is built: SQLite and files are the service here.

use skyport_core::Support;
use skyport_core::blob::port::BlobCapabilities;
use skyport_core::kv::port::TableCapabilities;
use skyport_core::queue::port::QueueCapabilities;

/// Of a bucket.
pub(crate) fn blob() -> BlobCapabilities {
    let mut can = BlobCapabilities::default();
    can.conditional_writes = Support::Native("one transaction");
    can.conditional_reads = Support::Native("one look at the index");
    can.conditional_deletes = Support::Native("one transaction");
    can.lost_answers = Support::Native("the write's token, in the index");
    can.streams = Support::Native("a file that the index names once it is whole");
    can.copy = Support::Native("another entry of the index for the same file");
    can.delete_many = Support::Native("one transaction");
    can.list_order = Support::Native("the index");
    can.start_after = Support::Native("the index");
    can.metadata = Support::Native("");
    can.sign = Support::Built("a key of its own; the application's server serves them");
    can.events = Support::Native("entered in the transaction of the change");
    can.flat = Support::Native("");
    can
}

/// Of a queue.
pub(crate) fn queue() -> QueueCapabilities {
    let mut can = QueueCapabilities::default();
    can.lease = Support::Native("a column of the message");
    can.wait = Support::Native("woken by the commit; by another process within 0.1 s");
    can.retry_after = Support::Native("a column of the message");
    can.max_attempts = Support::Native("a queue of its own");
    can.dead_letter = Support::Native("a queue of its own, in one transaction");
    can.attributes = Support::Native("");
    can.any_bytes = Support::Native("");
    can.send_all = Support::Native("one transaction");
    can.delay = Support::Native("a column of the message");
    can.dedupe = Support::Native("");
    can.ordered = Support::Native("");
    can.attempts = Support::Native("");
    can.depth = Support::Native("");
    can
}

/// Of a table.
pub(crate) fn kv() -> TableCapabilities {
    let mut can = TableCapabilities::default();
    can.conditions = Support::Native("one transaction");
    can.versions = Support::Native("one counter for the store");
    can.lost_answers = Support::Native("the write's token, with the item");
    can.consistent_reads = Support::Native("");
    can.key_order = Support::Native("the primary key");
    can.transactions = Support::Native("");
    can.increment = Support::Native("one transaction");
    can.get_many = Support::Native("");
    can.write_many = Support::Native("one transaction");
    can.expiry = Support::Built("a filter");
    can.reverse = Support::Native("");
    can.deletes_expired = Support::Native("at the start and every hour");
    can
}
