//! [`Gcp`], what can be chosen about it, and the connections that its resources share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use google_cloud_auth::credentials::Credentials;
#[cfg(feature = "blob")]
use google_cloud_auth::signer::Signer;
use skyport_core::Result;
use skyport_core::provider::{ResourceUrl, place};
use tokio::sync::OnceCell;

use credentials::Bearer;
use endpoint::Service;

mod adc;
pub(crate) mod credentials;
pub(crate) mod endpoint;
mod machine;
mod project;
#[cfg(feature = "blob")]
mod signer;
pub(crate) mod tls;

/// What every URL of this provider may say.
const PARAMETERS: &[&str] = &["project", "endpoint"];

/// What can be chosen in code; what is `None` comes from the environment.
///
/// ```
/// use skyport_gcp::{Gcp, GcpConfig};
///
/// let mut config = GcpConfig::default();
/// config.project = Some("my-project".to_owned());
/// let gcp = Gcp::with(config);
/// ```
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct GcpConfig {
    /// The project of resources whose URL names none.
    pub project: Option<String>,
    /// The endpoint of Cloud Storage, where it is not Google's own: `http://127.0.0.1:4443` for an emulator.
    pub storage_endpoint: Option<String>,
    /// The endpoint of Pub/Sub, likewise.
    pub pubsub_endpoint: Option<String>,
    /// The endpoint of Firestore, likewise.
    pub firestore_endpoint: Option<String>,
    /// Who calls; Application Default Credentials where it is `None`. Their headers have 6 seconds to come, then a call is
    /// `Unavailable`. Whoever makes them with Google's library chooses the process's provider of cryptography before (`install_default` of rustls):
    /// without one that library panics.
    pub credentials: Option<Credentials>,
    /// Who signs URLs; whom the Application Default Credentials name where it is `None`. What is given here is taken for a key: its
    /// signatures are to be good for as long as is asked, up to a week, which those of IAM are not.
    #[cfg(feature = "blob")]
    pub signer: Option<Signer>,
}

impl fmt::Debug for GcpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |endpoint: &Option<String>| endpoint.as_deref().map(place);
        f.debug_struct("GcpConfig")
            .field("project", &self.project)
            .field("storage_endpoint", &shown(&self.storage_endpoint))
            .field("pubsub_endpoint", &shown(&self.pubsub_endpoint))
            .field("firestore_endpoint", &shown(&self.firestore_endpoint))
            .finish_non_exhaustive()
    }
}

/// The provider `gcp`: any number of buckets, queues and tables, in any project. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Gcp {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: GcpConfig,
    bearer: OnceLock<Bearer>,
    /// The project of whoever names none, where there is one.
    project: OnceCell<String>,
    connections: Mutex<HashMap<Site, Arc<Connection>>>,
}

impl Gcp {
    /// As the environment says.
    #[must_use]
    pub fn new() -> Self {
        Self::with(GcpConfig::default())
    }

    /// As `config` says, and the environment where it says nothing.
    #[must_use]
    pub fn with(config: GcpConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                bearer: OnceLock::new(),
                project: OnceCell::new(),
                connections: Mutex::default(),
            }),
        }
    }

    /// The connection for the place that a URL names; it may say `own` beside what every URL may. No I/O.
    pub(crate) fn connection(
        &self,
        service: Service,
        url: &ResourceUrl,
        own: &[&str],
    ) -> Result<Arc<Connection>> {
        url.expect_only(&[PARAMETERS, own].concat())?;
        let config = &self.shared.config;
        let endpoint = endpoint::of(service, url.parameter("endpoint"), config)?;
        let project = url.parameter("project").map(str::to_owned);
        let site = Site { service, endpoint, project };
        let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connections.entry(site).or_insert_with_key(|site| {
            Arc::new(Connection {
                shared: Arc::clone(&self.shared),
                site: site.clone(),
                project: OnceCell::new(),
                #[cfg(feature = "blob")]
                http: OnceLock::new(),
                #[cfg(feature = "blob")]
                signing: OnceCell::new(),
                #[cfg(feature = "grpc")]
                channels: crate::grpc::Channels::default(),
            })
        });
        Ok(Arc::clone(connection))
    }

    /// The connection to another service, for a resource that needs both: as the configuration and the environment say, in the
    /// same project.
    #[cfg(feature = "events")]
    pub(crate) fn beside(connection: &Connection, service: Service) -> Result<Arc<Connection>> {
        let gcp = Self { shared: Arc::clone(&connection.shared) };
        let mut url = ResourceUrl::new("gcp", "beside");
        if let Some(project) = &connection.site.project {
            url = url.with_parameter("project", project);
        }
        gcp.connection(service, &url, &[])
    }
}

impl Default for Gcp {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcp").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// Whose tokens the calls carry; looked up at the first one.
    fn bearer(&self) -> &Bearer {
        self.bearer.get_or_init(|| Bearer::new(self.config.credentials.as_ref()))
    }
}

/// A service at an endpoint, and the project that a URL names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Site {
    service: Service,
    endpoint: endpoint::Endpoint,
    project: Option<String>,
}

/// What the resources of one service, endpoint and project share; each part is made at its first use.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    site: Site,
    /// The project that was found for it.
    project: OnceCell<String>,
    #[cfg(feature = "blob")]
    http: OnceLock<std::result::Result<reqwest::Client, String>>,
    #[cfg(feature = "blob")]
    signing: OnceCell<signer::Signing>,
    #[cfg(feature = "grpc")]
    channels: crate::grpc::Channels,
}

impl Connection {
    /// The service's base: `https://storage.googleapis.com`, without a slash at its end.
    pub(crate) fn endpoint(&self) -> &str {
        self.site.endpoint.base()
    }

    /// Whether the endpoint is one without TLS, which is an emulator's.
    #[cfg(feature = "kv")]
    pub(crate) fn is_emulated(&self) -> bool {
        self.site.endpoint.is_plain()
    }

    /// The headers that say who calls; none at an endpoint without TLS, which is an emulator's.
    pub(crate) async fn headers(&self) -> Result<http::HeaderMap> {
        if self.site.endpoint.is_plain() {
            return Ok(http::HeaderMap::new());
        }
        self.shared.bearer().headers().await
    }

    /// The project: the URL's, the configuration's, the environment's, or that of the machine. The last one is asked for once,
    /// and has a limit of time.
    pub(crate) async fn project(&self) -> Result<&str> {
        if let Some(project) = self.site.project.as_ref().or(self.shared.config.project.as_ref()) {
            return Ok(project);
        }
        let find = || project::of_connection(&self.shared.project, self.site.endpoint.is_plain());
        self.project.get_or_try_init(find).await.map(String::as_str)
    }

    /// The client of Cloud Storage's JSON calls.
    #[cfg(feature = "blob")]
    pub(crate) fn http(&self) -> Result<&reqwest::Client> {
        let make = || tls::http_client(self.site.endpoint.is_plain()).map_err(|error| error.to_string());
        let made = self.http.get_or_init(make).as_ref();
        made.map_err(|error| {
            skyport_core::Error::internal(format!("no HTTP client could be made: {error}"))
                .with_provider(crate::provision::NAME)
        })
    }

    /// Who signs URLs: a key where the credentials have one, else IAM. Looked up once.
    #[cfg(feature = "blob")]
    async fn signing(&self) -> Result<&signer::Signing> {
        self.signing.get_or_try_init(|| signer::Signing::find(self.shared.config.signer.as_ref())).await
    }

    /// Whose signatures URLs bear, and how long one is good at most.
    #[cfg(feature = "blob")]
    pub(crate) async fn signatory(&self) -> Result<(String, std::time::Duration)> {
        let signing = self.signing().await?;
        Ok((signing.email().await?, signing.kept()))
    }

    /// The signature of a text: without I/O where a key is at hand, else by a call of IAM's `signBlob`.
    #[cfg(feature = "blob")]
    pub(crate) async fn sign(&self, text: String) -> Result<Vec<u8>> {
        self.signing().await?.sign(self.http()?, self.shared.bearer(), text).await
    }

    /// The channels of this service's gRPC.
    #[cfg(feature = "grpc")]
    pub(crate) fn channels(&self) -> &crate::grpc::Channels {
        &self.channels
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("site", &self.site).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "grpc"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_name_that_is_made_up_for_an_emulators_project_is_told_to_no_real_service() {
        let gcp = Gcp::with(GcpConfig {
            pubsub_endpoint: Some("http://127.0.0.1:1".to_owned()),
            firestore_endpoint: Some("https://firestore.googleapis.com".to_owned()),
            ..GcpConfig::default()
        });
        let of = |service| gcp.connection(service, &ResourceUrl::new("gcp", "x"), &[]).expect("a connection");
        // Either may be what this machine says of its project.
        let (emulated, real) = (of(Service::PubSub), of(Service::Firestore));
        let emulated = emulated.project().await.expect("any name").to_owned();
        let real = real.project().await;
        match &shared_project(&gcp) {
            Some(project) => assert_eq!((Some(&emulated), real.ok()), (Some(project), Some(&**project))),
            None => assert_eq!((&*emulated, real.is_err()), ("skyport", true)),
        }
    }

    /// What was found beside any connection.
    fn shared_project(gcp: &Gcp) -> Option<String> {
        gcp.shared.project.get().filter(|project| *project != "skyport").cloned()
    }
}
