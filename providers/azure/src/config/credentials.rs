//! Which account, and who calls: a key, a SAS, or whoever has a token.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::policies::Policy;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use skyport_core::{Error, Result};

use super::AzureConfig;
use super::connection_string::{self, ConnectionString};
use super::endpoint::Service;
use crate::http::shared_key::{AccountKey, SharedKey};

/// What a token of Azure Storage is asked for.
pub(crate) const SCOPE: &str = "https://storage.azure.com/.default";

/// The suffix of the public cloud's endpoints.
const SUFFIX: &str = "core.windows.net";

/// The variables of a connection string: the tools', and that of Azure Functions.
const CONNECTION_STRINGS: [&str; 2] = ["AZURE_STORAGE_CONNECTION_STRING", "AzureWebJobsStorage"];

/// The variables of an account's name, likewise.
const ACCOUNTS: [&str; 2] = ["AZURE_STORAGE_ACCOUNT", "AzureWebJobsStorage__accountName"];

/// Who calls.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Whoever has the account's key.
    Key(AccountKey),
    /// Whoever has this signature.
    Sas(Secret),
    /// An identity of Entra ID.
    Token(Arc<dyn TokenCredential>),
}

impl Credential {
    /// What says so in each request; a SAS stands in its URL already.
    pub(super) fn policy(&self, service: Service, account: &str) -> Option<Arc<dyn Policy>> {
        match self {
            Self::Key(key) => Some(Arc::new(SharedKey::new(service, account, key.clone()))),
            Self::Sas(_) => None,
            Self::Token(token) => {
                Some(Arc::new(BearerTokenAuthorizationPolicy::new(Arc::clone(token), [SCOPE])))
            }
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
    /// `None` for whoever has a token.
    pub(super) credential: Option<Credential>,
    said: ConnectionString,
}

impl Account {
    pub(super) fn endpoint(&self, service: Service) -> Option<&str> {
        match service {
            Service::Blob => self.said.blob.as_deref(),
            Service::Queue => self.said.queue.as_deref(),
            Service::Table => self.said.table.as_deref(),
        }
    }

    pub(super) fn scheme(&self) -> &str {
        self.said.protocol.as_deref().unwrap_or("https")
    }

    pub(super) fn suffix(&self) -> &str {
        self.said.suffix.as_deref().unwrap_or(SUFFIX)
    }
}

/// The account that a URL names, or the configuration, or the environment; with its key or SAS, where there is one.
pub(super) fn account(
    of_url: Option<&str>,
    config: &AzureConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Account> {
    let string = match &config.connection_string {
        Some(text) => Some(connection_string::read(text, "the connection string")?),
        None if config.account.is_some() => None,
        None => {
            let set = CONNECTION_STRINGS.iter().find_map(|name| Some((name, variable(name)?)));
            set.map(|(name, text)| connection_string::read(&text, name)).transpose()?
        }
    };
    let of_environment = || ACCOUNTS.iter().find_map(|name| variable(name));
    let usual = match &string {
        Some(said) => said.account.clone(),
        None => config.account.clone().or_else(of_environment),
    };
    let Some(name) = of_url.map(str::to_owned).or_else(|| usual.clone()) else {
        return Err(Error::invalid(format!(
            "which storage account? Set {} or {}, or say it in the URL: `?account=mystorage`",
            CONNECTION_STRINGS[0], ACCOUNTS[0]
        )));
    };
    // The key of one account opens no other.
    if of_url.is_some() && usual.as_deref() != of_url {
        return Ok(Account { name, credential: None, said: ConnectionString::default() });
    }
    let said = string.unwrap_or_default();
    let (key, sas) = if said.account.is_some() {
        (said.key.clone(), said.sas.clone())
    } else {
        let key = config.account_key.clone().or_else(|| variable("AZURE_STORAGE_KEY"));
        (key, config.sas.clone().or_else(|| variable("AZURE_STORAGE_SAS_TOKEN")))
    };
    let credential = match (key, sas) {
        (Some(key), _) => Some(Credential::Key(AccountKey::read(&key)?)),
        (None, Some(sas)) => Some(Credential::Sas(Secret::new(sas.trim_start_matches('?').to_owned()))),
        (None, None) => None,
    };
    Ok(Account { name, credential, said })
}
