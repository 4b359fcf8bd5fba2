//! What is native and what is built: Cloud Storage, Pub/Sub, Firestore.

use skyport_core::Support;
#[cfg(feature = "blob")]
use skyport_core::blob::port::BlobCapabilities;
#[cfg(feature = "kv")]
use skyport_core::kv::port::TableCapabilities;
#[cfg(feature = "queue")]
use skyport_core::queue::port::QueueCapabilities;

/// Of a bucket.
#[cfg(feature = "blob")]
pub(crate) fn blob() -> BlobCapabilities {
    let mut can = BlobCapabilities::default();
    can.conditional_writes = Support::Native("preconditions on the generation");
    can.conditional_reads = Support::Native("preconditions on the generation");
    can.conditional_deletes = Support::Native("preconditions on the generation");
    can.lost_answers = Support::Built("the write's token in the metadata; a session is asked");
    can.streams = Support::Native("resumable session, part after part");
    can.copy = Support::Native("rewrite");
    can.delete_many = Support::Built("a request for each, 32 at once");
    can.list_order = Support::Native("");
    can.start_after = Support::Built("`startOffset`, whose own key is left out");
    can.metadata = Support::Built("percent-encoded");
    can.sign = Support::Native("signature version 4, by a key or IAM");
    can.events = if cfg!(feature = "events") {
        Support::Native(
            "notifications, a subscription of Pub/Sub for each subscriber (feature `gcp-events`); on Cloud Run Eventarc brings them",
        )
    } else {
        Support::Unsupported("add the feature `gcp-events`")
    };
    can.flat = Support::Native("");
    can
}

/// Of a queue, whose messages have a limit of attempts, or of its dead letters, which have none.
#[cfg(feature = "queue")]
pub(crate) fn queue(mortal: bool) -> QueueCapabilities {
    let mut can = QueueCapabilities::default();
    can.lease = Support::Native("acknowledgement deadline");
    can.wait = Support::Native("pulls that wait");
    can.retry_after = Support::Built("acknowledgement deadline, set anew after 10 minutes");
    can.max_attempts = Support::Native("dead-letter policy for 5 to 100; others are counted by the provider");
    can.dead_letter = Support::Built("sent there, then acknowledged");
    can.attributes = Support::Native("");
    can.any_bytes = Support::Native("");
    can.send_all = Support::Native("one Publish for many");
    can.delay = Support::Built("held, unseen, by the process that pulled it");
    can.dedupe = Support::Unsupported("Pub/Sub tells no duplicates");
    can.ordered = Support::Native("ordering keys");
    can.attempts = if mortal {
        Support::Native("counted under the dead-letter policy")
    } else {
        Support::Unsupported("Pub/Sub counts only where there is a dead-letter policy")
    };
    can.depth = Support::Unsupported("Pub/Sub does not count; Cloud Monitoring does, minutes late");
    can
}

/// Of a table.
#[cfg(feature = "kv")]
pub(crate) fn kv() -> TableCapabilities {
    let mut can = TableCapabilities::default();
    can.conditions = Support::Native("preconditions on the time of the last write");
    can.versions = Support::Built("the write's token and Firestore's time of it");
    can.lost_answers = Support::Built("the version has the write's token");
    can.consistent_reads = Support::Native("strong reads");
    can.key_order = Support::Native("a field with the sort key");
    can.transactions = Support::Native("one commit; with checks, a read-write transaction");
    can.increment =
        Support::Built("a read and a conditional write; 16 slots in the item remember the last ones");
    can.get_many = Support::Native("BatchGetDocuments");
    can.write_many = Support::Native("BatchWrite");
    can.expiry = Support::Built("a filter");
    can.reverse = Support::Native("descending order");
    can.deletes_expired = Support::Native("time to live, within a day");
    can
}
