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
    ($($operation:ident $port:ident $name:literal,)*) => {
        /// A method of a port, as a place where a fault may strike. Displays as errors name it: `blob.put`.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // Each is the port's method of that name.
        pub enum Operation {
            $($operation,)*
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
    BlobPut Blob "blob.put",
    BlobStartUpload Blob "blob.start_upload",
    BlobPutPart Blob "blob.put_part",
    BlobComplete Blob "blob.complete",
    BlobGet Blob "blob.get",
    BlobHead Blob "blob.head",
    BlobCopy Blob "blob.copy",
    BlobDelete Blob "blob.delete",
    BlobDeleteMany Blob "blob.delete_many",
    BlobList Blob "blob.list",
    BlobSign Blob "blob.sign",
    QueueSend Queue "queue.send",
    QueueReceive Queue "queue.receive",
    QueueExtend Queue "queue.extend",
    QueueSettle Queue "queue.settle",
    QueueDepth Queue "queue.depth",
    KvGet Kv "kv.get",
    KvGetMany Kv "kv.get_many",
    KvWrite Kv "kv.write",
    KvWriteMany Kv "kv.write_many",
    KvTransact Kv "kv.transact",
    KvIncrement Kv "kv.increment",
    KvQuery Kv "kv.query",
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
