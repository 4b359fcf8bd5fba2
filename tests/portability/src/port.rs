//! The ports, and a resource of each on each provider.

use skyport_core::blob::BlobLimits;
use skyport_core::kv::port::TableLimits;
use skyport_core::provider::{ResourceUrl, TableSettings};
use skyport_core::queue::{QueueLimits, QueueSettings};
use skyport_core::support::Capability;
use skyport_core::{ErrorKind, Result};

use crate::providers::Column;

/// The resource's name, on every provider.
const NAME: &str = "portability";

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Blob,
    Queue,
    Kv,
}

/// What a resource of a provider says of itself.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The provider's, as the column's.
    pub(crate) name: &'static str,
    pub(crate) capabilities: Vec<Capability>,
    /// The same where the resource is declared otherwise, and how.
    pub(crate) declared: Option<(&'static str, Vec<Capability>)>,
    pub(crate) limits: Limits,
}

/// Its sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limits {
    Blob(BlobLimits),
    Queue(QueueLimits),
    Kv(TableLimits),
}

impl Port {
    pub(crate) const ALL: [Self; 3] = [Self::Blob, Self::Queue, Self::Kv];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Blob => "Blob storage",
            Self::Queue => "Queues",
            Self::Kv => "Tables",
        }
    }

    /// A resource of each provider that has such.
    pub(crate) fn open(self, columns: &[Column]) -> Result<Vec<Opened>> {
        let mut found = Vec::new();
        for column in columns {
            match self.open_on(column) {
                Ok(opened) => found.push(opened),
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn open_on(self, column: &Column) -> Result<Opened> {
        let [blob, queue, kv] = column.schemes.map(|scheme| ResourceUrl::new(scheme, NAME));
        let (capabilities, declared, limits) = match self {
            Self::Blob => {
                let bucket = column.provider.bucket(&blob)?;
                let declared = match column.told {
                    Some(parameter) => {
                        let told = column.provider.bucket(&blob.with_parameter(parameter, NAME))?;
                        Some(("`?events=`", told.info().capabilities.all().collect()))
                    }
                    None => None,
                };
                (bucket.info().capabilities.all().collect(), declared, Limits::Blob(bucket.info().limits))
            }
            Self::Queue => {
                let mut settings = QueueSettings::default();
                let plain = column.provider.queue(&queue, &settings)?;
                let info = plain.info();
                let declared = match info.capabilities.ordered.is_supported() {
                    true => {
                        settings.ordered = true;
                        let ordered = column.provider.queue(&queue, &settings)?;
                        Some(("ordered", ordered.info().capabilities.all().collect()))
                    }
                    false => None,
                };
                (info.capabilities.all().collect(), declared, Limits::Queue(info.limits))
            }
            Self::Kv => {
                let mut settings = TableSettings::default();
                let plain = column.provider.table(&kv, &settings)?;
                settings.reverse_index = true;
                let mirrored = column.provider.table(&kv, &settings)?;
                let declared = ("`reverse_index`", mirrored.info().capabilities.all().collect());
                (plain.info().capabilities.all().collect(), Some(declared), Limits::Kv(plain.info().limits))
            }
        };
        Ok(Opened { name: column.name, capabilities, declared, limits })
    }
}
