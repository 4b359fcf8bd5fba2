//! What is native and what is built: Blob Storage, Queue Storage, Table Storage.

use skyport_core::Support;
#[cfg(feature = "blob")]
use skyport_core::blob::port::BlobCapabilities;
#[cfg(feature = "kv")]
use skyport_core::kv::port::TableCapabilities;
#[cfg(feature = "queue")]
use skyport_core::queue::port::QueueCapabilities;

/// Of a container, whose calls are made with a key or a token (`signs`) or with a SAS, which cannot sign another one; and whose URL says where its events
/// are delivered, or not (`told`).
#[cfg(feature = "blob")]
pub(crate) fn blob(signs: bool, told: bool) -> BlobCapabilities {
    let mut can = BlobCapabilities::default();
    can.conditional_writes = Support::Native("`If-None-Match`, `If-Match`");
    can.conditional_reads = Support::Native("`If-None-Match`, `If-Match`");
    can.conditional_deletes = Support::Native("`If-Match`");
    can.lost_answers = Support::Built("the write's token in the metadata, and a HEAD");
    can.streams = Support::Native("blocks staged side by side, and a list of them committed");
    can.copy = Support::Native("Copy Blob, after a HEAD");
    can.delete_many = Support::Built("a request for each, 32 at once");
    can.list_order =
        Support::Built("Azure lists in the order of UTF-16: where the two differ it is listed in pieces");
    can.start_after = Support::Built("Azure's own markers do not tell what listing they are of");
    can.metadata = Support::Built("percent-encoded");
    can.sign = if signs {
        Support::Native("SAS, by the account's key or by user delegation")
    } else {
        Support::Unsupported("a SAS cannot sign another one: call with the account's key or a token")
    };
    can.events = match (cfg!(feature = "events"), told) {
        (true, true) => Support::Native(
            "Event Grid, into a queue for each subscriber (feature `azure-events`); on Azure Functions it calls",
        ),
        (true, false) => {
            Support::Unsupported("say in the URL where Event Grid delivers them: `?events=<queues>`")
        }
        (false, _) => Support::Unsupported("add the feature `azure-events`"),
    };
    can.flat = Support::Native("");
    can
}

/// Of a queue.
#[cfg(feature = "queue")]
pub(crate) fn queue() -> QueueCapabilities {
    let mut can = QueueCapabilities::default();
    can.lease = Support::Native("visibility timeout; the receipt moves");
    can.wait = Support::Built("looks within a second, each billed");
    can.retry_after = Support::Native("visibility timeout");
    can.max_attempts = Support::Built("moved to `<queue>-poison` by whoever receives it");
    can.dead_letter = Support::Built("sent there, then deleted");
    can.attributes = Support::Built("in the body, before what is sent");
    can.any_bytes = Support::Built("base64");
    can.send_all = Support::Built("a request for each, 16 at once");
    can.delay = Support::Native("visibility timeout");
    can.dedupe = Support::Unsupported("Queue Storage tells no duplicates");
    can.ordered = Support::Unsupported("Queue Storage keeps no order");
    can.attempts = Support::Native("`DequeueCount`");
    can.depth = Support::Native("the approximate count");
    can
}

/// Of a table, perhaps one with a reverse index.
#[cfg(feature = "kv")]
pub(crate) fn kv(reverse_index: bool) -> TableCapabilities {
    let mut can = TableCapabilities::default();
    can.conditions = Support::Native("etags");
    can.versions = Support::Built("the write's token and Azure's etag");
    can.lost_answers = Support::Built("the version has the write's token");
    can.consistent_reads = Support::Native("");
    can.key_order = Support::Built("an encoding that keeps the order of UTF-8");
    can.transactions = Support::Native("entity group transaction");
    can.increment =
        Support::Built("a read and a conditional write; 16 slots in the item remember the last ones");
    can.get_many = Support::Built("a request for each, 16 at once");
    can.write_many =
        Support::Built("puts of one partition together, up to 50, and deletions alone; 8 requests at once");
    can.expiry = Support::Built(
        "kept in milliseconds, and compared with the caller's clock at each read and condition",
    );
    can.reverse = if reverse_index {
        Support::Built("a key-only mirror of each item, in the same transaction")
    } else {
        Support::Unsupported("Table Storage has no descending order: declare the table with `reverse_index`")
    };
    can.deletes_expired = Support::Unsupported("they are hidden at once, and removed by `sweep`");
    can
}
