//! Where a fault may strike: the methods of the ports.

use std::fmt;

/// One of the three ports.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Buckets.
    Blob,
    /// Queues, those of a bucket's events and dead letters among them.
    Queue,
    /// Tables.
    Kv,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident $port:ident $name:literal,)*) => {
        /// A method of a port, as a place where a fault may strike. Displays as errors name it: `blob.put`.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $($(#[$doc])* $operation,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$operation,)*];

            /// The port that it is a method of.
            #[must_use]
            pub const fn port(self) -> Port {
                match self {
                    $(Self::$operation => Port::$port,)*
                }
            }

            const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)*
                }
            }
        }
    };
}

operations! {
    /// Writes an object at once.
    BlobPut Blob "blob.put",
    /// Begins an upload in parts.
    BlobStartUpload Blob "blob.start_upload",
    /// Sends one part of an upload.
    BlobPutPart Blob "blob.put_part",
    /// Makes an object of the parts of an upload.
    BlobComplete Blob "blob.complete",
    /// Reads an object, or a range of it.
    BlobGet Blob "blob.get",
    /// Asks what is known of an object.
    BlobHead Blob "blob.head",
    /// Copies an object.
    BlobCopy Blob "blob.copy",
    /// Deletes an object.
    BlobDelete Blob "blob.delete",
    /// Deletes several objects, each with a result.
    BlobDeleteMany Blob "blob.delete_many",
    /// Lists a page of objects.
    BlobList Blob "blob.list",
    /// Signs a URL.
    BlobSign Blob "blob.sign",
    /// Sends messages, each with a result.
    QueueSend Queue "queue.send",
    /// Receives messages, and leases them.
    QueueReceive Queue "queue.receive",
    /// Moves the end of a lease.
    QueueExtend Queue "queue.extend",
    /// Settles deliveries, each with a result.
    QueueSettle Queue "queue.settle",
    /// Asks how many messages there are.
    QueueDepth Queue "queue.depth",
    /// Reads an item.
    KvGet Kv "kv.get",
    /// Reads several items, each with a result.
    KvGetMany Kv "kv.get_many",
    /// Writes or deletes an item.
    KvWrite Kv "kv.write",
    /// Writes or deletes several items, each with a result.
    KvWriteMany Kv "kv.write_many",
    /// Writes several items, all or none.
    KvTransact Kv "kv.transact",
    /// Adds to a number.
    KvIncrement Kv "kv.increment",
    /// Reads a page of items of one partition.
    KvQuery Kv "kv.query",
    /// Removes expired items.
    KvSweep Kv "kv.sweep",
}

impl Operation {
    /// Whether it changes something: its answer is worth losing.
    pub(super) const fn is_write(self) -> bool {
        !matches!(
            self,
            Self::BlobGet
                | Self::BlobHead
                | Self::BlobList
                | Self::BlobSign
                | Self::QueueDepth
                | Self::KvGet
                | Self::KvGetMany
                | Self::KvQuery
        )
    }

    /// Whether it is about several things, each with a result of its own.
    pub(super) const fn is_batch(self) -> bool {
        matches!(
            self,
            Self::BlobDeleteMany | Self::QueueSend | Self::QueueSettle | Self::KvGetMany | Self::KvWriteMany
        )
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
