//! Whom the environment names, in the order of Azure's own libraries: a client's secret, a workload's identity, a managed identity, whoever has
//! signed in with the developers' tools. The first that is there is asked; where none is, the error says what was tried.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
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

/// Whoever may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ClientSecret,
    Workload,
    Managed,
    Cli,
    DeveloperCli,
}

impl Kind {
    const ALL: [Self; 5] = [Self::ClientSecret, Self::Workload, Self::Managed, Self::Cli, Self::DeveloperCli];

    /// As Azure's libraries call it.
    const fn class(self) -> &'static str {
        match self {
            Self::ClientSecret => "EnvironmentCredential",
            Self::Workload => "WorkloadIdentityCredential",
            Self::Managed => "ManagedIdentityCredential",
            Self::Cli => "AzureCliCredential",
            Self::DeveloperCli => "AzureDeveloperCliCredential",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::ClientSecret => "a client secret",
            Self::Workload => "a workload identity",
            Self::Managed => "a managed identity",
            Self::Cli => "`az`",
            Self::DeveloperCli => "`azd`",
        }
    }

    /// What makes it work.
    const fn advice(self) -> &'static str {
        match self {
            Self::ClientSecret => "are AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET right?",
            Self::Workload => {
                "are AZURE_TENANT_ID and AZURE_CLIENT_ID right, and is the token of AZURE_FEDERATED_TOKEN_FILE one of theirs?"
            }
            Self::Managed => {
                "has the app an identity? AZURE_CLIENT_ID names the one that is meant where a user assigned it"
            }
            Self::Cli => "run `az login`",
            Self::DeveloperCli => "run `azd auth login`",
        }
    }
}

/// The search, and whom it found.
pub(in crate::config) struct Chain {
    pub(in crate::config) whom: Whom,
    pub(in crate::config) http: Arc<dyn HttpClient>,
    pub(in crate::config) variable: Variable,
    pub(in crate::config) executor: Arc<dyn Executor>,
    pub(in crate::config) found: OnceLock<Found>,
}

/// What a variable of the environment says.
type Variable = fn(&str) -> Option<String>;

pub(in crate::config) struct Found {
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
        Self { whom, http, variable, executor: Arc::new(super::tools::Process), found: OnceLock::new() }
    }

    /// A token of whoever is found.
    pub(super) async fn token(&self) -> Result<AccessToken> {
        if let Some(Found { kind, credential }) = self.found.get() {
            return one(&**credential).await.map_err(|error| refused(*kind, &error));
        }
        let mut tried = Vec::new();
        let searched = timeout(SEARCH, self.search(&mut tried)).await;
        match searched {
            Ok(result) => result?.ok_or_else(|| nobody(&tried)),
            Err(_) => {
                tried.push((Kind::Managed, failure::not_in_time()));
                Err(nobody(&tried))
            }
        }
    }

    /// Asks one after the other; what those said who gave none stands in `tried`.
    async fn search(&self, tried: &mut Vec<(Kind, Error)>) -> Result<Option<AccessToken>> {
        for kind in self.kinds()? {
            let asked = match self.credential(kind).await {
                Ok(credential) => one(&*credential).await.map(|token| (token, credential)),
                Err(missing) => {
                    tried.push((kind, missing));
                    continue;
                }
            };
            match asked {
                Ok((token, credential)) => {
                    tracing::debug!(by = kind.title(), "an Azure identity was found");
                    // One search runs at a time.
                    let _ = self.found.set(Found { kind, credential });
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
        if !is_certain && !self.is_machine().await {
            return Err(missing("IDENTITY_ENDPOINT is not set, and this is no machine of Azure's"));
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
    async fn is_machine(&self) -> bool {
        let Ok(url) = Url::parse(MACHINE) else { return false };
        let request = Request::new(url, Method::Get);
        matches!(timeout(PROBE, self.http.execute_request(&request)).await, Ok(Ok(_)))
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

/// Nobody gave one.
fn nobody(tried: &[(Kind, Error)]) -> Error {
    let each = tried.iter().map(|(kind, error)| format!("{} ({})", kind.title(), error.message()));
    let each = each.collect::<Vec<_>>().join(", ");
    let text = format!(
        "no Azure identity was found. Tried: {each}. On Azure give the app a managed identity, elsewhere run `az login`, or set \
         AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"
    );
    // Who did not answer in time may do so later.
    let is_open = tried.iter().any(|(_, error)| error.is_retryable());
    let kind = if is_open { ErrorKind::Unavailable } else { ErrorKind::Unauthenticated };
    Error::new(kind, text).with_ambiguous(false).with_provider(NAME)
}
