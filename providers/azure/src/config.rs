//! [`Azure`], what can be chosen about it, and the connections that its resources share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use azure_core::credentials::TokenCredential;
#[cfg(any(feature = "blob", feature = "queue"))]
use azure_core::http::ClientOptions;
use azure_core::http::Url;
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, ErrorKind, Result};

use crate::http::Transport;
#[cfg(any(feature = "queue", feature = "kv"))]
use crate::http::direct::Direct;
use credentials::{CallsWith, Credential};
use endpoint::Service;
use identity::{Chain, Tokens, Whom};

mod connection_string;
pub(crate) mod credentials;
pub(crate) mod endpoint;
pub(crate) mod identity;
pub(crate) mod kept;
mod variables;

/// What every URL of this provider may say.
const PARAMETERS: &[&str] = &["account", "endpoint"];

/// What can be chosen in code; what is `None` comes from the environment, where that is about the same account.
///
/// ```
/// use skyport_azure::{Azure, AzureConfig};
///
/// let mut config = AzureConfig::default();
/// config.account = Some("mystorage".to_owned());
/// let azure = Azure::with(config);
/// ```
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct AzureConfig {
    /// A connection string, as the portal shows it: account, key or SAS, endpoints. It wins over the fields beside it where both say something
    /// of the same account.
    pub connection_string: Option<String>,
    /// The storage account of resources whose URL names none.
    pub account: Option<String>,
    /// The account's key, in base64.
    pub account_key: Option<String>,
    /// A shared access signature of the account: `sv=..&sig=..`.
    pub sas: Option<String>,
    /// Who calls, where code gives neither a key nor a SAS; it wins over those of the environment. Whom the environment names where it is `None`.
    pub credential: Option<Arc<dyn TokenCredential>>,
    /// The endpoint of Blob Storage, where it is not the account's own: `http://127.0.0.1:10000/devstoreaccount1` for Azurite. It is that of one
    /// account: a URL that names another has to say `endpoint`, too.
    pub blob_endpoint: Option<String>,
    /// The endpoint of Queue Storage, likewise.
    pub queue_endpoint: Option<String>,
    /// The endpoint of Table Storage, likewise.
    pub table_endpoint: Option<String>,
    /// Certificates in PEM that are trusted beside those that come with the program: of a proxy that looks into TLS, or of an emulator.
    pub ca_certificates: Option<Vec<u8>>,
}

impl fmt::Debug for AzureConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |endpoint: &Option<String>| endpoint.as_deref().map(endpoint::place);
        f.debug_struct("AzureConfig")
            .field("account", &self.account)
            .field("blob_endpoint", &place(&self.blob_endpoint))
            .field("queue_endpoint", &place(&self.queue_endpoint))
            .field("table_endpoint", &place(&self.table_endpoint))
            .finish_non_exhaustive()
    }
}

/// The provider `azure`: any number of containers, queues and tables, in any storage account. Cheap to clone; clones share their
/// connections.
#[derive(Clone)]
pub struct Azure {
    shared: Arc<Shared>,
}

struct Shared {
    config: AzureConfig,
    transport: OnceLock<Arc<Transport>>,
    /// Whoever calls with a token: one for all accounts.
    identities: Mutex<HashMap<Whom, Arc<Tokens>>>,
    connections: Mutex<HashMap<Site, Arc<Connection>>>,
}

impl Azure {
    /// As the environment says.
    #[must_use]
    pub fn new() -> Self {
        Self::with(AzureConfig::default())
    }

    /// As `config` says, and the environment where it says nothing.
    #[must_use]
    pub fn with(config: AzureConfig) -> Self {
        let shared = Shared {
            config,
            transport: OnceLock::new(),
            identities: Mutex::default(),
            connections: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The connection for the place that a URL names; it may say `own` beside what every URL may. No I/O.
    pub(crate) fn connection(
        &self,
        service: Service,
        url: &ResourceUrl,
        own: &[&str],
    ) -> Result<Arc<Connection>> {
        url.expect_only(&[PARAMETERS, own].concat())?;
        let account =
            credentials::account(url.parameter("account"), &self.shared.config, variables::of_process)?;
        let endpoint = endpoint::of(service, url.parameter("endpoint"), &self.shared.config, &account)?;
        let site = Site { service, endpoint, account: account.name.clone() };
        let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.get(&site) {
            return Ok(Arc::clone(connection));
        }
        let credential = match account.calls_with {
            CallsWith::Key(key) => Credential::Key(key),
            CallsWith::Sas(sas) => Credential::Sas(sas),
            CallsWith::Token(whom) => Credential::Token(self.shared.tokens(whom)),
        };
        let connection = Arc::new(Connection::new(site.clone(), credential, self.shared.transport())?);
        connections.insert(site, Arc::clone(&connection));
        Ok(connection)
    }
}

impl Shared {
    fn transport(&self) -> Arc<Transport> {
        let make = || Arc::new(Transport::new(self.config.ca_certificates.clone()));
        Arc::clone(self.transport.get_or_init(make))
    }

    fn tokens(&self, whom: Whom) -> Arc<Tokens> {
        let mut identities = self.identities.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || match &self.config.credential {
            Some(given) => Tokens::given(Arc::clone(given)),
            None => Tokens::found(Chain::new(whom.clone(), self.transport(), variables::of_process)),
        };
        Arc::clone(identities.entry(whom.clone()).or_insert_with(|| Arc::new(make())))
    }
}

impl Default for Azure {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// A service of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Site {
    service: Service,
    endpoint: endpoint::Endpoint,
    account: String,
}

/// What the resources of one service and account share.
pub(crate) struct Connection {
    site: Site,
    credential: Credential,
    #[cfg(any(feature = "blob", feature = "queue"))]
    options: ClientOptions,
    #[cfg(feature = "blob")]
    delegation_keys: crate::blob::sign::DelegationKeys,
    #[cfg(feature = "blob")]
    sender: crate::http::Sender,
    #[cfg(any(feature = "queue", feature = "kv"))]
    direct: Direct,
}

impl Connection {
    fn new(site: Site, credential: Credential, transport: Arc<Transport>) -> Result<Self> {
        if let Credential::Token(_) = &credential
            && !site.endpoint.has_tls()
        {
            let text = format!(
                "a token is never sent without TLS: give {} Storage an endpoint that begins with `https://`, or the account's key or a SAS",
                site.service.title()
            );
            return Err(Error::new(ErrorKind::Unauthenticated, text));
        }
        #[cfg(any(feature = "blob", feature = "queue"))]
        let policy = credential.policy(site.service, &site.account);
        Ok(Self {
            #[cfg(any(feature = "queue", feature = "kv"))]
            direct: Direct::new(
                Arc::clone(&transport),
                site.endpoint.url().clone(),
                credential.sas().cloned(),
                credential.caller(site.service, &site.account),
            ),
            site,
            credential,
            #[cfg(feature = "blob")]
            delegation_keys: crate::blob::sign::DelegationKeys::new(),
            #[cfg(feature = "blob")]
            sender: crate::http::sender(&transport, policy.clone()),
            #[cfg(any(feature = "blob", feature = "queue"))]
            options: crate::http::options(transport, policy),
        })
    }

    /// The storage account.
    #[cfg(feature = "blob")]
    pub(crate) fn account(&self) -> &str {
        &self.site.account
    }

    /// Who calls, for what has to be signed.
    #[cfg(feature = "blob")]
    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What signs URLs where a token is who calls.
    #[cfg(feature = "blob")]
    pub(crate) fn delegation_keys(&self) -> &crate::blob::sign::DelegationKeys {
        &self.delegation_keys
    }

    /// What a client of Azure's is made with: our transport, no retries, and the policy that says who calls. The client itself is
    /// given no credential.
    #[cfg(any(feature = "blob", feature = "queue"))]
    pub(crate) fn options(&self) -> ClientOptions {
        self.options.clone()
    }

    /// What sends the calls of blobs that Azure's clients do not.
    #[cfg(feature = "blob")]
    pub(crate) fn sender(&self) -> &crate::http::Sender {
        &self.sender
    }

    /// What sends the calls of tables and of messages.
    #[cfg(any(feature = "queue", feature = "kv"))]
    pub(crate) fn direct(&self) -> &Direct {
        &self.direct
    }

    /// The service's endpoint.
    #[cfg(feature = "blob")]
    pub(crate) fn endpoint(&self) -> &Url {
        self.site.endpoint.url()
    }

    /// The URL of what these segments name below the service's endpoint, with the SAS where that is who calls. Each segment is one, whatever
    /// letters it has; one that is `.` or `..` cannot be said.
    pub(crate) fn url(&self, segments: &[&str]) -> Result<Url> {
        let mut url = self.bare_url(segments)?;
        if let Some(sas) = self.credential.sas() {
            url.set_query(Some(sas.secret()));
        }
        Ok(url)
    }

    /// Such a URL that does not say who calls.
    pub(crate) fn bare_url(&self, segments: &[&str]) -> Result<Url> {
        self.site.endpoint.below(segments)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("site", &self.site).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown_whatever_stands_in_an_endpoint() {
        let config = AzureConfig {
            account_key: Some("TOPSECRET".to_owned()),
            blob_endpoint: Some("https://me:TOPSECRET@mine.example/acc?sig=TOPSECRET#TOPSECRET".to_owned()),
            queue_endpoint: Some("sig=TOPSECRET".to_owned()),
            ..AzureConfig::default()
        };
        let shown = format!("{:?}", Azure::with(config));
        assert!(shown.contains("https://mine.example/acc") && !shown.contains("TOPSECRET"), "{shown}");
    }
}
