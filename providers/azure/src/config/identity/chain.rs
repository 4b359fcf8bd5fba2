//! Whom the environment names, in the order of Azure's own libraries: a client's secret, a workload's identity, a managed identity, whoever has
//! signed in with the developers' tools. The first that is there is asked; where none is, the error says what was tried.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::http::{ClientOptions, HttpClient, Method, Request, Url};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, Executor, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::kind::Kind;
use super::{Whom, failure, one};
use crate::provision::NAME;

/// The variable by which a user narrows the search, for all of Azure's libraries: `prod`, `dev`, or one credential's name.
const NARROWED: &str = "AZURE_TOKEN_CREDENTIALS";

/// Where a machine of Azure's asks for tokens.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// On a machine that is not Azure's nobody answers there.
const PROBE: Duration = Duration::from_secs(1);

/// So long the search takes at most.
const SEARCH: Duration = Duration::from_secs(9);

/// The search, and whom it found.
pub(in crate::config) struct Chain {
    pub(in crate::config) whom: Whom,
    pub(in crate::config) http: Arc<dyn HttpClient>,
    pub(in crate::config) variable: Variable,
    pub(in crate::config) executor: Arc<dyn Executor>,
    found: Mutex<Option<Arc<Found>>>,
}

/// What a variable of the environment says.
type Variable = fn(&str) -> Option<String>;

/// Whom the search has found.
struct Found {
    kind: Kind,
    credential: Arc<dyn TokenCredential>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("whom", &self.whom).finish_non_exhaustive()
    }
}

impl Chain {
    /// Searches, where nobody is found yet.
    pub(in crate::config) fn new(whom: Whom, http: Arc<dyn HttpClient>, variable: Variable) -> Self {
        Self { whom, http, variable, executor: Arc::new(super::tools::Process), found: Mutex::default() }
    }

    /// A token of whoever is found.
    pub(super) async fn token(&self) -> Result<AccessToken> {
        let found = self.found().clone();
        if let Some(found) = found {
            let asked = one(&*found.credential, found.kind.told()).await;
            return asked.map_err(|error| refused(found.kind, &error));
        }
        let mut tried = Vec::new();
        let searched = timeout(SEARCH, self.search(&mut tried)).await;
        match searched {
            Ok(result) => result?.ok_or_else(|| nobody(&tried, true)),
            Err(_) => Err(nobody(&tried, false)),
        }
    }

    /// Searches anew for the next token: a credential keeps its own for as long as that is good, and gives it again.
    pub(super) fn forget(&self) {
        *self.found() = None;
    }

    fn found(&self) -> MutexGuard<'_, Option<Arc<Found>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one after the other; what those said who gave none stands in `tried`.
    async fn search(&self, tried: &mut Vec<(Kind, Error)>) -> Result<Option<AccessToken>> {
        for kind in self.kinds()? {
            let asked = match self.credential(kind).await {
                Ok(credential) => one(&*credential, kind.told()).await.map(|token| (token, credential)),
                Err(missing) => {
                    tried.push((kind, missing));
                    continue;
                }
            };
            match asked {
                Ok((token, credential)) => {
                    tracing::debug!(by = kind.title(), "an Azure identity was found");
                    // One search runs at a time.
                    *self.found() = Some(Arc::new(Found { kind, credential }));
                    return Ok(Some(token));
                }
                // Who is set up and fails is not replaced by somebody else; a machine of Azure's may have no identity.
                Err(error) if self.is_meant(kind) || kind == Kind::Managed && error.is_retryable() => {
                    return Err(refused(kind, &error));
                }
                Err(error) => tried.push((kind, error)),
            }
        }
        Ok(None)
    }

    fn is_meant(&self, kind: Kind) -> bool {
        match kind {
            Kind::ClientSecret | Kind::Workload => true,
            Kind::Managed => self.is_app() || matches!(self.whom, Whom::Managed { .. }),
            Kind::Cli | Kind::DeveloperCli => false,
        }
    }

    /// Whether the platform says itself where its apps ask for tokens.
    fn is_app(&self) -> bool {
        (self.variable)("IDENTITY_ENDPOINT").is_some()
    }

    /// Whom to ask.
    fn kinds(&self) -> Result<Vec<Kind>> {
        if let Whom::Managed { .. } = self.whom {
            return Ok(vec![Kind::Managed]);
        }
        let Some(narrowed) = (self.variable)(NARROWED) else { return Ok(Kind::ALL.to_vec()) };
        let named = Kind::ALL.iter().find(|kind| narrowed.eq_ignore_ascii_case(kind.class()));
        match (&*narrowed.to_ascii_lowercase(), named) {
            ("prod", _) => Ok(Kind::ALL[..3].to_vec()),
            ("dev", _) => Ok(Kind::ALL[3..].to_vec()),
            (_, Some(kind)) => Ok(vec![*kind]),
            _ => {
                let names = Kind::ALL.map(Kind::class).join("`, `");
                let text = format!("{NARROWED} must be `prod`, `dev` or one of `{names}`");
                Err(Error::new(ErrorKind::Unauthenticated, text).with_provider(NAME))
            }
        }
    }

    /// The credential of a kind; what it misses where it is not set up.
    async fn credential(&self, kind: Kind) -> Result<Arc<dyn TokenCredential>> {
        match kind {
            Kind::ClientSecret => self.client_secret(),
            Kind::Workload => self.workload().await,
            Kind::Managed => self.managed().await,
            Kind::Cli => {
                let executor = Some(Arc::clone(&self.executor));
                let options = AzureCliCredentialOptions { executor, ..Default::default() };
                Ok(AzureCliCredential::new(Some(options)).map_err(failure::of)?)
            }
            Kind::DeveloperCli => {
                let executor = Some(Arc::clone(&self.executor));
                let options = AzureDeveloperCliCredentialOptions { executor, ..Default::default() };
                Ok(AzureDeveloperCliCredential::new(Some(options)).map_err(failure::of)?)
            }
        }
    }

    fn client_secret(&self) -> Result<Arc<dyn TokenCredential>> {
        let [tenant, client, secret] =
            self.variables(["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"])?;
        let options = ClientSecretCredentialOptions { client_options: self.options() };
        let made = ClientSecretCredential::new(&tenant, client, Secret::new(secret), Some(options));
        Ok(made.map_err(|_| unusable("AZURE_TENANT_ID or AZURE_AUTHORITY_HOST"))?)
    }

    async fn workload(&self) -> Result<Arc<dyn TokenCredential>> {
        let [tenant, client, file] =
            self.variables(["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"])?;
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions { client_options: self.options() },
            client_id: Some(client),
            tenant_id: Some(tenant),
            token_file_path: Some(PathBuf::from(file)),
        };
        // It reads the file.
        let made = tokio::task::spawn_blocking(|| WorkloadIdentityCredential::new(Some(options))).await;
        let made = made.map_err(|error| Error::internal("a thread was ended").with_source(error))?;
        Ok(made.map_err(|_| {
            unusable("the file of AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID or AZURE_AUTHORITY_HOST")
        })?)
    }

    async fn managed(&self) -> Result<Arc<dyn TokenCredential>> {
        // Whoever asks for no other is not kept waiting where there is no such machine.
        let is_certain = self.is_app() || self.kinds()? == [Kind::Managed];
        if !is_certain {
            self.expect_machine().await?;
        }
        let client = match &self.whom {
            Whom::Managed { client } => client.clone(),
            Whom::Environment => (self.variable)("AZURE_CLIENT_ID"),
        };
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(UserAssignedId::ClientId),
            client_options: self.options(),
        };
        let made = ManagedIdentityCredential::new(Some(options));
        Ok(made
            .map_err(|_| unusable("IDENTITY_ENDPOINT and IDENTITY_HEADER, or a platform that has others"))?)
    }

    /// Whether anybody answers, whatever it is, where a machine of Azure's does.
    async fn expect_machine(&self) -> Result<()> {
        let url = Url::parse(MACHINE).map_err(|_| unusable(MACHINE))?;
        let request = Request::new(url, Method::Get);
        let unknown = |what: &str| {
            let text = format!("IDENTITY_ENDPOINT is not set, and where a machine of Azure's answers {what}");
            Error::new(ErrorKind::Unavailable, text).with_ambiguous(false)
        };
        match timeout(PROBE, self.http.execute_request(&request)).await {
            // Azure says so while it changes the service; and so do the machines of other clouds, which have none.
            Ok(Ok(answer)) if matches!(u16::from(answer.status()), 404 | 410) => {
                Err(unknown("there is none for now"))
            }
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(missing("IDENTITY_ENDPOINT is not set, and this is no machine of Azure's")),
            // It may be one that is slow.
            Err(_) => Err(unknown("nobody did in time")),
        }
    }

    fn variables(&self, names: [&'static str; 3]) -> Result<[String; 3]> {
        let mut said = names.map(|name| (name, (self.variable)(name)));
        if let Some((name, _)) = said.iter().find(|(_, value)| value.is_none()) {
            return Err(missing(&format!("{name} is not set")));
        }
        Ok(said.each_mut().map(|(_, value)| value.take().unwrap_or_default()))
    }

    fn options(&self) -> ClientOptions {
        let mut options = crate::http::token_options(Arc::clone(&self.http));
        if let Some(authority_host) = (self.variable)("AZURE_AUTHORITY_HOST") {
            let mut cloud = CustomConfiguration::default();
            cloud.authority_host = authority_host;
            options.cloud = Some(Arc::new(CloudConfiguration::Custom(cloud)));
        }
        options
    }
}

fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, what.to_owned())
}

fn unusable(what: &str) -> Error {
    missing(&format!("{what} cannot be used"))
}

/// Whoever is set up gave none.
fn refused(kind: Kind, error: &Error) -> Error {
    let text = format!("{} gave no token for Azure: {}; {}", kind.title(), error.message(), kind.advice());
    Error::new(error.kind(), text).with_ambiguous(false).with_source(error.again()).with_provider(NAME)
}

/// Nobody gave one, or nobody in time.
fn nobody(tried: &[(Kind, Error)], in_time: bool) -> Error {
    let each = tried.iter().map(|(kind, error)| format!("{} ({})", kind.title(), error.message()));
    let each = each.collect::<Vec<_>>().join(", ");
    let end = if in_time { "" } else { "; then the time was up" };
    let text = format!(
        "no Azure identity was found. Tried: {each}{end}. On Azure give the app a managed identity, elsewhere run `az login`, or set \
         AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"
    );
    // Who did not answer in time may do so later.
    let is_open = !in_time || tried.iter().any(|(_, error)| error.is_retryable());
    let kind = if is_open { ErrorKind::Unavailable } else { ErrorKind::Unauthenticated };
    Error::new(kind, text).with_ambiguous(false).with_provider(NAME)
}

#[cfg(test)]
mod tests;
