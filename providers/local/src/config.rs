//! How the provider is set up: in code, and by the parameters of a resource's URL.

use std::path::PathBuf;
use std::str::FromStr;

use skyport_core::{Error, Result};

/// How hard a write is made to last before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// What was answered survives a process that is killed; a loss of power may take the last moments.
    #[default]
    Normal,
    /// It survives a loss of power, too: every commit and every content file waits for the disk.
    Full,
}

impl FromStr for Durability {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "normal" => Ok(Self::Normal),
            "full" => Ok(Self::Full),
            _ => Err(Error::invalid("`sync` is `normal` or `full`")),
        }
    }
}

/// How a [`Local`](crate::Local) is set up. URL parameters win over it.
///
/// ```
/// # use skyport_local::{Durability, LocalConfig};
/// let config = LocalConfig::new("/var/lib/app").with_durability(Durability::Full);
/// assert_eq!(config.data, std::path::Path::new("/var/lib/app"));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// The folder that holds everything (`SKYPORT_DATA`); `.skyport` by default. Made when it is first used.
    pub data: PathBuf,
    /// Where signed URLs point: scheme, host and port of the server that mounts
    /// [`Provider::endpoint`](skyport_core::provider::Provider::endpoint). `http://127.0.0.1:8080` by default.
    pub public_url: String,
    /// How hard a write is made to last; [`Durability::Normal`] by default.
    pub durability: Durability,
    /// The most bytes of the database file (queues, tables, the index of blobs); a write beyond gets `Unavailable`. No
    /// limit by default. Content files are not counted.
    pub database_limit: Option<u64>,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self::new(".skyport")
    }
}

impl LocalConfig {
    /// Everything in the folder `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            durability: Durability::Normal,
            database_limit: None,
        }
    }

    /// Says where signed URLs point.
    #[must_use]
    pub fn with_public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = url.into();
        self
    }

    /// Says how hard a write is made to last.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Limits the database file to so many bytes.
    #[must_use]
    pub fn with_database_limit(mut self, bytes: u64) -> Self {
        self.database_limit = Some(bytes);
        self
    }
}
