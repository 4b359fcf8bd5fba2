//! The clients, made once at the start; they connect with their first call.

use std::sync::Arc;
use std::time::Duration;

use cold_axum::Outcome;
use gcloud_sdk::{GoogleAuthHeaders, GoogleAuthMiddleware};
use google_cloud_auth::credentials::{Builder, Credentials, anonymous};
use tonic::transport::{ClientTlsConfig, Endpoint};

use crate::firestore::Firestore;
use crate::pubsub::PubSub;
use crate::storage::Storage;

/// One client of each service, each for the shop's resource there.
pub(crate) struct Clients {
    pub(crate) receipts: Storage,
    pub(crate) jobs: PubSub,
    pub(crate) orders: Firestore,
}

/// Where a service is, and who calls.
pub(crate) struct Service {
    pub(crate) base: String,
    pub(crate) authorisation: Arc<GoogleAuthHeaders>,
}

impl Service {
    /// Google's own with the credentials, or an emulator's without any.
    fn of(name: &str, emulator: &str, credentials: &mut Option<Credentials>) -> Outcome<Self> {
        let (base, credentials) = match std::env::var(emulator) {
            Ok(host) => (format!("http://{host}"), anonymous::Builder::new().build()),
            Err(_) => {
                let found = match credentials.take() {
                    Some(found) => found,
                    None => Builder::default().build()?,
                };
                (format!("https://{name}.googleapis.com"), credentials.insert(found).clone())
            }
        };
        Ok(Self { base, authorisation: Arc::new(GoogleAuthHeaders::from(credentials)) })
    }

    /// A channel that connects with its first call.
    fn channel(self, prefix: Option<String>) -> Outcome<GoogleAuthMiddleware> {
        let mut endpoint = Endpoint::from_shared(self.base.clone())?
            .connect_timeout(Duration::from_secs(3))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(60))
            .keep_alive_while_idle(true);
        if self.base.starts_with("https://") {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_webpki_roots())?;
        }
        Ok(GoogleAuthMiddleware::new(endpoint.connect_lazy(), self.authorisation, prefix)?)
    }
}

impl Clients {
    pub(crate) fn of_environment() -> Outcome<Self> {
        // Fails where there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let project = std::env::var("GOOGLE_CLOUD_PROJECT")?;
        let mut credentials = None;
        let storage = Service::of("storage", "STORAGE_EMULATOR_HOST", &mut credentials)?;
        let pubsub = Service::of("pubsub", "PUBSUB_EMULATOR_HOST", &mut credentials)?;
        let firestore = Service::of("firestore", "FIRESTORE_EMULATOR_HOST", &mut credentials)?;
        let database = format!("projects/{project}/databases/(default)");
        Ok(Self {
            receipts: Storage::new(storage, "shop-receipts")?,
            jobs: PubSub::new(pubsub.channel(None)?, &project, "shop-jobs"),
            orders: Firestore::new(firestore.channel(Some(database.clone()))?, database, "shop-orders"),
        })
    }
}
