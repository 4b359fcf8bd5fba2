//! Where the services are, and the handles as an application has them.

use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::retry::RetryPolicy;
use skyport_gcp::{Gcp, GcpConfig};
use skyport_measure::Outcome;
use tokio::runtime::Runtime;

/// The project of everything here; the emulators take any.
pub const PROJECT: &str = "benches";

/// The project that omniqueue has at an emulator, whatever it is told.
pub const OMNIQUEUE_PROJECT: &str = "local-project";

/// Where omniqueue looks for an emulator.
pub const OMNIQUEUE_EMULATOR: &str = "PUBSUB_EMULATOR_HOST";

/// The emulator of Pub/Sub, `127.0.0.1:8085`, where omniqueue would not find it.
#[must_use]
pub fn unknown_to_omniqueue() -> Option<String> {
    let endpoint = std::env::var("SKYPORT_EMULATOR_PUBSUB").ok()?;
    let host = endpoint.strip_prefix("http://")?.trim_end_matches('/');
    let known = std::env::var(OMNIQUEUE_EMULATOR).is_ok_and(|known| known == host);
    (!known).then(|| host.to_owned())
}

/// The services' endpoints, `http://127.0.0.1:8085`, and the provider on them.
#[derive(Debug)]
pub struct Place {
    /// Of Cloud Storage.
    pub storage: String,
    /// Of Pub/Sub.
    pub pubsub: String,
    /// Of Firestore.
    pub firestore: String,
    gcp: Gcp,
}

impl Place {
    /// The emulators, where the tests find them, too.
    ///
    /// # Errors
    /// Where one is not named.
    pub fn emulators() -> Outcome<Self> {
        let [storage, pubsub, firestore] =
            ["SKYPORT_EMULATOR_FAKE_GCS", "SKYPORT_EMULATOR_PUBSUB", "SKYPORT_EMULATOR_FIRESTORE"].map(
                |variable| {
                    let endpoint = std::env::var(variable).ok().filter(|endpoint| !endpoint.is_empty());
                    endpoint.ok_or_else(|| {
                        format!("{variable} is not set: `cargo xtask bench gcp` starts the emulators")
                    })
                },
            );
        Ok(Self::at(storage?, pubsub?, firestore?))
    }

    /// Cloud Storage alone, at this endpoint.
    #[must_use]
    pub fn of_storage(endpoint: &str) -> Self {
        let nowhere = || "http://127.0.0.1:1".to_owned();
        Self::at(endpoint.to_owned(), nowhere(), nowhere())
    }

    fn at(storage: String, pubsub: String, firestore: String) -> Self {
        let mut config = GcpConfig::default();
        config.project = Some(PROJECT.to_owned());
        config.storage_endpoint = Some(storage.clone());
        config.pubsub_endpoint = Some(pubsub.clone());
        config.firestore_endpoint = Some(firestore.clone());
        Self { storage, pubsub, firestore, gcp: Gcp::with(config) }
    }

    /// A bucket with the layer `Retry`, as `skyport::run` gives it.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn bucket(&self, name: &str) -> Outcome<Bucket> {
        Ok(Bucket::new(retry().blob(self.gcp.bucket(&ResourceUrl::new("gs", name))?)))
    }

    /// A queue, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn queue<T, C>(&self, name: &str) -> Outcome<Queue<T, C>> {
        let queue = self.gcp.queue(&ResourceUrl::new("pubsub", name), &QueueSettings::default())?;
        Ok(Queue::new(retry().queue(queue)))
    }

    /// A table, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn table<T>(&self, name: &str) -> Outcome<Table<T>> {
        let table = self.gcp.table(&ResourceUrl::new("firestore", name), &TableSettings::default())?;
        Ok(Table::new(retry().table(table)))
    }

    /// Creates a resource; both sides use the same.
    ///
    /// # Errors
    /// What the emulator says.
    pub async fn create(&self, scheme: &str, name: &str) -> Outcome {
        self.create_in(PROJECT, scheme, name).await
    }

    /// Creates a resource in a project.
    ///
    /// # Errors
    /// What the emulator says.
    pub async fn create_in(&self, project: &str, scheme: &str, name: &str) -> Outcome {
        let kind = match scheme {
            "gs" => ResourceKind::Bucket,
            "pubsub" => ResourceKind::Queue(QueueSettings::default()),
            _ => ResourceKind::Table(TableSettings::default()),
        };
        let url = ResourceUrl::new(scheme, name).with_parameter("project", project);
        Ok(self.gcp.create(&url, &kind).await?)
    }
}

fn retry() -> Retry {
    Retry::new(RetryPolicy::default())
}

/// What a function has: one thread.
///
/// # Errors
/// Where the system has none to give.
pub fn one_thread() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A name that no other run has.
#[must_use]
pub fn unique(stem: &str) -> String {
    format!("{stem}-{}", std::process::id())
}
