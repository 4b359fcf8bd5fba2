//! Which account, and who calls: a key, a SAS, or whoever has a token.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::Secret;
use azure_core::http::policies::Policy;
use skyport_core::{Error, Result};

use super::AzureConfig;
use super::connection_string::{self, ConnectionString};
use super::endpoint::{Service, account_in};
use super::identity::{Tokens, Whom};
use crate::http::bearer::Bearer;
use crate::http::shared_key::{AccountKey, SharedKey};

/// The suffix of the public cloud's endpoints.
const SUFFIX: &str = "core.windows.net";

/// The tools' own variables.
const CONNECTION_STRING: &str = "AZURE_STORAGE_CONNECTION_STRING";
const ACCOUNT: &str = "AZURE_STORAGE_ACCOUNT";
const KEY: &str = "AZURE_STORAGE_KEY";
const SAS: &str = "AZURE_STORAGE_SAS_TOKEN";

/// That of Azure Functions: a connection string. Where it is not set, others that begin so say who calls, and where.
const OF_FUNCTIONS: &str = "AzureWebJobsStorage";

/// Who calls.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Whoever has the account's key.
    Key(AccountKey),
    /// Whoever has this signature.
    Sas(Secret),
    /// An identity of Entra ID.
    Token(Arc<Tokens>),
}

impl Credential {
    /// What says so in each request; a SAS stands in its URL already.
    pub(super) fn policy(&self, service: Service, account: &str) -> Option<Arc<dyn Policy>> {
        match self {
            Self::Key(key) => Some(Arc::new(SharedKey::new(service, account, key.clone()))),
            Self::Sas(_) => None,
            Self::Token(tokens) => Some(Arc::new(Bearer::new(Arc::clone(tokens)))),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key",
            Self::Sas(_) => "Sas",
            Self::Token(_) => "Token",
        })
    }
}

/// A storage account, and who calls it.
pub(super) struct Account {
    pub(super) name: String,
    pub(super) calls_with: CallsWith,
    said: ConnectionString,
}

/// Who calls an account.
pub(super) enum CallsWith {
    Key(AccountKey),
    Sas(Secret),
    Token(Whom),
}

impl Account {
    pub(super) fn endpoint(&self, service: Service) -> Option<&str> {
        self.said.endpoint(service)
    }

    pub(super) fn scheme(&self) -> &str {
        self.said.protocol.as_deref().unwrap_or("https")
    }

    pub(super) fn suffix(&self) -> &str {
        self.said.suffix.as_deref().unwrap_or(SUFFIX)
    }
}

impl ConnectionString {
    fn endpoint(&self, service: Service) -> Option<&str> {
        match service {
            Service::Blob => self.blob.as_deref(),
            Service::Queue => self.queue.as_deref(),
            Service::Table => self.table.as_deref(),
        }
    }

    /// The account that it names, or whose its endpoints are.
    fn named(mut self) -> Self {
        if self.account.is_none() {
            let endpoints = [&self.blob, &self.queue, &self.table];
            self.account = endpoints.into_iter().flatten().find_map(|endpoint| account_in(endpoint));
        }
        self
    }
}

/// The account that a URL names, or the configuration, or the environment; with its key or SAS, where there is one.
pub(super) fn account(
    of_url: Option<&str>,
    config: &AzureConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Account> {
    let (usual, whom) = match of_config(config)? {
        Some(said) => (of_environment_too(said, config, &variable)?, Whom::Environment),
        None => of_environment(&variable)?,
    };
    let Some(name) = of_url.map(str::to_owned).or_else(|| usual.account.clone()) else {
        return Err(Error::invalid(format!(
            "which storage account? Set {CONNECTION_STRING} or {ACCOUNT}, or name it in the URL: `?account=mystorage`. Neither they \
             nor {OF_FUNCTIONS} and {OF_FUNCTIONS}__accountName, which Azure Functions has, are set"
        )));
    };
    // It becomes a part of headers.
    if name.is_empty()
        || name.len() > 64
        || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    {
        return Err(Error::invalid("a storage account's name has 3 to 24 lower-case letters and digits"));
    }
    // The key of one account opens no other, and its endpoints are not another's.
    if usual.account.as_ref().is_some_and(|account| *account != name) {
        let said = ConnectionString { suffix: usual.suffix, ..ConnectionString::default() };
        return Ok(Account { name, calls_with: CallsWith::Token(Whom::Environment), said });
    }
    let calls_with = match (&usual.key, &usual.sas) {
        (Some(key), _) => CallsWith::Key(AccountKey::read(key)?),
        (None, Some(sas)) => CallsWith::Sas(shared_access_signature(sas)?),
        (None, None) => CallsWith::Token(whom),
    };
    Ok(Account { name, calls_with, said: usual })
}

/// What the configuration says of the account, where it says anything.
fn of_config(config: &AzureConfig) -> Result<Option<ConnectionString>> {
    let mut said = match &config.connection_string {
        Some(text) => connection_string::read(text, "the connection string")?.named(),
        None => ConnectionString::default(),
    };
    let is_its = said.account.is_none() || config.account.is_none() || said.account == config.account;
    if !is_its {
        return Err(Error::invalid("the configuration names one account, and its connection string another"));
    }
    said.account = said.account.or_else(|| config.account.clone());
    if said.key.is_none() && said.sas.is_none() {
        (said.key, said.sas) = (config.account_key.clone(), config.sas.clone());
    }
    let endpoints = [&config.blob_endpoint, &config.queue_endpoint, &config.table_endpoint];
    let says = said.account.is_some()
        || said.key.is_some()
        || said.sas.is_some()
        || config.connection_string.is_some();
    if says && said.account.is_none() {
        said.account = endpoints.into_iter().flatten().find_map(|endpoint| account_in(endpoint));
    }
    Ok(says.then_some(said))
}

/// What the environment adds of the same account: a key or a SAS, where the code says nobody who calls.
fn of_environment_too(
    mut said: ConnectionString,
    config: &AzureConfig,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<ConnectionString> {
    let is_said = said.key.is_some() || said.sas.is_some() || config.credential.is_some();
    if said.account.is_some() && is_said {
        return Ok(said);
    }
    let (of_environment, _) = of_environment(variable)?;
    if said.account.is_none() || of_environment.account.is_none() || said.account == of_environment.account {
        said.account = said.account.or(of_environment.account);
        if !is_said {
            (said.key, said.sas) = (of_environment.key, of_environment.sas);
        }
    }
    Ok(said)
}

/// What the environment says: the tools' variables, or else those of Azure Functions.
fn of_environment(variable: &impl Fn(&str) -> Option<String>) -> Result<(ConnectionString, Whom)> {
    if let Some(text) = variable(CONNECTION_STRING) {
        return Ok((connection_string::read(&text, CONNECTION_STRING)?.named(), Whom::Environment));
    }
    let (account, key, sas) = (variable(ACCOUNT), variable(KEY), variable(SAS));
    if account.is_some() || key.is_some() || sas.is_some() {
        return Ok((
            ConnectionString { account, key, sas, ..ConnectionString::default() },
            Whom::Environment,
        ));
    }
    if let Some(text) = variable(OF_FUNCTIONS) {
        return Ok((connection_string::read(&text, OF_FUNCTIONS)?.named(), Whom::Environment));
    }
    let of_functions = |name: &str| variable(&format!("{OF_FUNCTIONS}__{name}"));
    let said = ConnectionString {
        account: of_functions("accountName"),
        blob: of_functions("blobServiceUri"),
        queue: of_functions("queueServiceUri"),
        table: of_functions("tableServiceUri"),
        ..ConnectionString::default()
    };
    let is_managed =
        of_functions("credential").is_some_and(|kind| kind.eq_ignore_ascii_case("managedidentity"));
    let whom =
        if is_managed { Whom::Managed { client: of_functions("clientId") } } else { Whom::Environment };
    Ok((said.named(), whom))
}

/// As it stands in a query: without what is before it.
fn shared_access_signature(text: &str) -> Result<Secret> {
    let text = text.trim().trim_start_matches('?');
    let has = |name: &str| {
        text.split('&')
            .any(|pair| pair.split_once('=').is_some_and(|(key, value)| key == name && !value.is_empty()))
    };
    if !has("sig") || !has("sv") || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        return Err(Error::invalid(
            "the shared access signature is not whole: it must be `sv=..&..&sig=..`, as the portal shows it",
        ));
    }
    Ok(Secret::new(text.to_owned()))
}
