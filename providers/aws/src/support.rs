//! What is native and what is built: S3, SQS, DynamoDB.

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
    can.conditional_writes = Support::Native("`If-None-Match`, `If-Match`");
    can.conditional_reads = Support::Native("`If-None-Match`, `If-Match`");
    can.conditional_deletes = Support::Native("`If-Match`");
    can.lost_answers = Support::Built("the write's token in the metadata, and a HEAD");
    can.streams = Support::Native("multipart upload, parts side by side");
    can.copy = Support::Native("CopyObject, after a HEAD");
    can.delete_many = Support::Native("DeleteObjects");
    can.list_order = Support::Native("");
    can.start_after = Support::Native("`StartAfter`");
    can.metadata = Support::Built("percent-encoded");
    can.sign = Support::Native("signature version 4");
    can.events = if cfg!(feature = "events") {
        Support::Native(
            "EventBridge, a rule and a queue of SQS for each subscriber (feature `aws-events`); a function on Lambda is called by S3 itself",
        )
    } else {
        Support::Unsupported("add the feature `aws-events`")
    };
    can.flat = Support::Native("");
    can
}

/// Of a queue, or of one that is ordered.
#[cfg(feature = "queue")]
pub(crate) fn queue(ordered: bool) -> QueueCapabilities {
    let mut can = QueueCapabilities::default();
    can.lease = Support::Native("visibility timeout");
    can.wait = Support::Native("long polls of 20 s");
    can.retry_after = Support::Native("visibility timeout");
    can.max_attempts = Support::Native("redrive policy");
    can.dead_letter = Support::Built("sent there, then deleted");
    can.attributes = Support::Native("message attributes");
    can.any_bytes = Support::Built("text as it is, all else as base64");
    can.send_all = Support::Native("SendMessageBatch, cut to 10");
    can.delay = Support::Native("`DelaySeconds`");
    can.dedupe = if ordered {
        Support::Native("`MessageDeduplicationId`")
    } else {
        Support::Unsupported("only ordered queues tell duplicates")
    };
    can.ordered = Support::Native("FIFO queue");
    can.attempts = Support::Native("`ApproximateReceiveCount`");
    can.depth = Support::Native("`ApproximateNumberOfMessages`");
    can
}

/// Of a table.
#[cfg(feature = "kv")]
pub(crate) fn kv() -> TableCapabilities {
    let mut can = TableCapabilities::default();
    can.conditions = Support::Native("condition expressions");
    can.versions = Support::Built("an attribute with the write's token");
    can.lost_answers = Support::Built("the version has the write's token");
    can.consistent_reads = Support::Native("`ConsistentRead`");
    can.key_order = Support::Native("the sort key");
    can.transactions = Support::Native("TransactWriteItems");
    can.increment = Support::Built("one UpdateItem; 16 slots in the item remember the last ones");
    can.get_many = Support::Native("BatchGetItem");
    can.write_many = Support::Native("BatchWriteItem");
    can.expiry = Support::Built("a filter");
    can.reverse = Support::Native("`ScanIndexForward`");
    can.deletes_expired = Support::Native("time to live, within days");
    can
}
