//! Where an application's resources are, while it is a server on this machine.

use std::path::Path;

use tokio::task::JoinHandle;

use crate::aws::Region;
use crate::azure::Account;
use crate::gcp::Project;
use crate::process::Example;
use crate::{Data, program};

/// This machine, or an emulator of a cloud; nobody else's resources are in it.
#[derive(Debug)]
pub enum Place {
    /// A folder of this machine.
    Local(Data),
    /// An account of AWS.
    Aws(Region),
    /// A project of Google Cloud.
    Google(Project),
    /// Names of one's own in Azurite's account.
    Azure(Account),
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bucket.
    Bucket,
    /// A bucket whose events are wanted.
    Watched,
    /// A queue.
    Queue,
    /// A table.
    Table,
}

/// What the photos store.
const PHOTOS: [(&str, Kind); 4] = [
    ("originals", Kind::Watched),
    ("thumbnails", Kind::Bucket),
    ("resize", Kind::Queue),
    ("catalogue", Kind::Table),
];

impl Place {
    /// A program whose resources are here.
    pub fn program(&self, name: &str, path: &Path, resources: &[(&str, Kind)]) -> Example {
        match self {
            Self::Local(data) => Example::program(name, path).data(data.path()),
            Self::Aws(region) => region.program(name, path, resources),
            Self::Google(project) => project.program_at(name, path),
            Self::Azure(account) => account.program(name, path, resources),
        }
    }

    /// The photos as a server.
    pub fn photos(&self) -> Example {
        self.program("photos", &program::example("photos"), &PHOTOS)
    }

    /// Who tells of the photos' originals, where the emulator does not. To be aborted at the end.
    #[must_use]
    pub fn photos_told(&self) -> Option<JoinHandle<()>> {
        match self {
            Self::Azure(account) => Some(account.tell_queues("originals")),
            _ => None,
        }
    }
}
