//! Where the services are, and both sides' clients, with the same settings.

use std::collections::BTreeMap;
use std::time::Duration;

use skyport_azure::{Azure, AzureConfig};
use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::retry::RetryPolicy;
use skyport_measure::Outcome;
use tokio::runtime::{Builder, Runtime};

use crate::raw::{Raw, SharedKey};

/// The variable that tells where Azurite listens, as for the tests: a connection string.
const EMULATOR: &str = "SKYPORT_EMULATOR_AZURITE";

/// The variable of one that has many messages, and nothing else.
const OF_MESSAGES: &str = "SKYPORT_EMULATOR_AZURITE_MESSAGES";

/// Services of one account, called by its key.
#[derive(Debug)]
pub struct Place {
    said: BTreeMap<String, String>,
    azure: Azure,
}

impl Place {
    /// The emulator.
    ///
    /// # Errors
    /// Where none is named.
    pub fn emulator() -> Outcome<Self> {
        Self::named(EMULATOR)
    }

    /// The emulator that has many messages.
    ///
    /// # Errors
    /// Where none is named.
    pub fn of_messages() -> Outcome<Self> {
        Self::named(OF_MESSAGES)
    }

    fn named(variable: &str) -> Outcome<Self> {
        let said = std::env::var(variable).ok().filter(|said| !said.is_empty());
        Ok(Self::of(&said.ok_or_else(|| {
            format!("{variable} is not set: `cargo xtask bench azure` starts the emulator")
        })?))
    }

    /// What a connection string names.
    #[must_use]
    pub fn of(said: &str) -> Self {
        let mut config = AzureConfig::default();
        config.connection_string = Some(said.to_owned());
        let parts = said.split(';').filter_map(|part| part.split_once('='));
        let said = parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { said, azure: Azure::with(config) }
    }

    /// A part of the connection string.
    ///
    /// # Errors
    /// Where there is no such part.
    pub fn part(&self, name: &str) -> Outcome<&str> {
        Ok(self.said.get(name).ok_or_else(|| format!("the connection string has no {name}"))?)
    }

    /// What the raw clients are made of.
    ///
    /// # Errors
    /// Where the connection string does not tell enough.
    pub fn raw(&self) -> Outcome<Raw> {
        let key = SharedKey::new(self.part("AccountName")?, self.part("AccountKey")?)?;
        Raw::new(key, http()?)
    }

    /// A bucket as an application has it: with the layer `Retry`.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn bucket(&self, name: &str) -> Outcome<Bucket> {
        Ok(Bucket::new(retry().blob(self.azure.bucket(&ResourceUrl::new("azblob", name))?)))
    }

    /// A queue, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn queue<T, C>(&self, name: &str) -> Outcome<Queue<T, C>> {
        let port = self.azure.queue(&ResourceUrl::new("azqueue", name), &QueueSettings::default())?;
        Ok(Queue::new(retry().queue(port)))
    }

    /// A table, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn table<T, C>(&self, name: &str) -> Outcome<Table<T, C>> {
        let port = self.azure.table(&ResourceUrl::new("aztable", name), &TableSettings::default())?;
        Ok(Table::new(retry().table(port)))
    }

    /// Creates what the URL of this scheme and name stands for.
    ///
    /// # Errors
    /// What the emulator says.
    pub async fn create(&self, scheme: &str, name: &str) -> Outcome {
        let kind = match scheme {
            "azblob" => ResourceKind::Bucket,
            "azqueue" => ResourceKind::Queue(QueueSettings::default()),
            _ => ResourceKind::Table(TableSettings::default()),
        };
        Ok(self.azure.create(&ResourceUrl::new(scheme, name), &kind).await?)
    }
}

/// The HTTP client that the provider makes for an endpoint without TLS, made again.
///
/// # Errors
/// Where it cannot be made.
pub fn http() -> Outcome<reqwest::Client> {
    let builder = skyport_https::builder(rustls::RootCertStore::empty())?;
    Ok(builder.pool_idle_timeout(Duration::from_secs(3)).no_proxy().build()?)
}

fn retry() -> Retry {
    Retry::new(RetryPolicy::default())
}

/// What a function has: one thread.
///
/// # Errors
/// Where the system has none to give.
pub fn one_thread() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// A name that no other run has: of small letters and digits, which each service takes.
#[must_use]
pub fn unique(stem: &str) -> String {
    format!("{stem}{}", std::process::id())
}
