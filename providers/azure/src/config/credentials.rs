//! Which account, and who calls: a key, a SAS, or whoever has a token.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::Secret;
#[cfg(any(feature = "blob", feature = "queue"))]
use azure_core::http::policies::Policy;
use skyport_core::{Error, Result};

use super::AzureConfig;
use super::connection_string::{self, ConnectionString};
use super::endpoint::{Service, account_in};
use super::identity::{Tokens, Whom};
#[cfg(any(feature = "blob", feature = "queue"))]
use crate::http::bearer::Bearer;
#[cfg(any(feature = "queue", feature = "kv"))]
use crate::http::direct::Caller;
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
    /// What says so in each call; a SAS stands in its URL already.
    #[cfg(any(feature = "queue", feature = "kv"))]
    pub(super) fn caller(&self, service: Service, account: &str) -> Option<Caller> {
        match self {
            Self::Key(key) => Some(Caller::Key(SharedKey::new(service, account, key.clone()))),
            Self::Sas(_) => None,
            Self::Token(tokens) => Some(Caller::Token(Arc::clone(tokens))),
        }
    }

    /// The signature that stands in each URL.
    pub(super) fn sas(&self) -> Option<&Secret> {
        match self {
            Self::Sas(sas) => Some(sas),
            Self::Key(_) | Self::Token(_) => None,
        }
    }

    /// What says so in each request of Azure's clients; a SAS stands in its URL already.
    #[cfg(any(feature = "blob", feature = "queue"))]
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
    /// Whether it is the one that the configuration and the environment are about.
    pub(super) is_usual: bool,
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

    pub(super) fn calls_with_sas(&self) -> bool {
        matches!(self.calls_with, CallsWith::Sas(_))
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

    /// All that it may say.
    fn parts(&mut self) -> [&mut Option<String>; 8] {
        let Self { account, key, sas, protocol, suffix, blob, queue, table } = self;
        [account, key, sas, protocol, suffix, blob, queue, table]
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
    let (usual, whom) = usual(config, &variable)?;
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
        return Ok(Account { name, calls_with: CallsWith::Token(Whom::Environment), said, is_usual: false });
    }
    let calls_with = match (&usual.key, &usual.sas) {
        (Some(key), _) => CallsWith::Key(AccountKey::read(key)?),
        (None, Some(sas)) => CallsWith::Sas(shared_access_signature(sas)?),
        (None, None) => CallsWith::Token(whom),
    };
    Ok(Account { name, calls_with, said: usual, is_usual: true })
}

/// What the configuration says, and under it what the environment says of the same account.
fn usual(
    config: &AzureConfig,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(ConnectionString, Whom)> {
    let mut said = of_config(config)?;
    let calls = said.key.is_some() || said.sas.is_some() || config.credential.is_some();
    if config.connection_string.is_some() && said.account.is_some() && calls {
        return Ok((said, Whom::Environment));
    }
    let (mut there, whom) = of_environment(variable)?;
    if said.account.is_some() && there.account.is_some() && said.account != there.account {
        return Ok((said, Whom::Environment));
    }
    // Whoever calls in code is not replaced by whoever the environment names.
    if calls {
        (there.key, there.sas) = (None, None);
    }
    for (place, there) in said.parts().into_iter().zip(there.parts()) {
        if place.is_none() {
            *place = there.take();
        }
    }
    Ok((said, whom))
}

/// What the configuration says of an account.
fn of_config(config: &AzureConfig) -> Result<ConnectionString> {
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
    let says = said.key.is_some() || said.sas.is_some() || config.connection_string.is_some();
    if says && said.account.is_none() {
        let endpoints = [&config.blob_endpoint, &config.queue_endpoint, &config.table_endpoint];
        said.account = endpoints.into_iter().flatten().find_map(|endpoint| account_in(endpoint));
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

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind;

    use super::*;

    const AZURITE: &str =
        "DefaultEndpointsProtocol=http;AccountName=dev;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/dev";
    const BY_SAS: &str =
        "BlobEndpoint=https://mine.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=TOPSECRET";

    /// What is found with this environment: the account, who calls, and where its blobs are.
    fn found(of_url: Option<&str>, config: &AzureConfig, environment: &[(&str, &str)]) -> Result<String> {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let account = account(of_url, config, variable)?;
        let caller = match &account.calls_with {
            CallsWith::Key(_) => "key".to_owned(),
            CallsWith::Sas(sas) => format!("sas {}", sas.secret()),
            CallsWith::Token(Whom::Environment) => "token".to_owned(),
            CallsWith::Token(Whom::Managed { client }) => {
                format!("managed {}", client.as_deref().unwrap_or("-"))
            }
        };
        let endpoint = super::super::endpoint::of(Service::Blob, None, config, &account)?;
        Ok(format!("{}: {caller} at {}", account.name, endpoint.below(&[])?))
    }

    #[test]
    fn the_environment_says_who_calls() {
        let none = AzureConfig::default();
        for (environment, expected) in [
            (&[(CONNECTION_STRING, AZURITE)][..], "dev: key at http://127.0.0.1:1/dev"),
            (
                &[(CONNECTION_STRING, BY_SAS)],
                "mine: sas sv=1&sig=TOPSECRET at https://mine.blob.core.windows.net/",
            ),
            (
                &[(
                    CONNECTION_STRING,
                    "AccountName=cn1;AccountKey=YQ==;EndpointSuffix=core.chinacloudapi.cn",
                )],
                "cn1: key at https://cn1.blob.core.chinacloudapi.cn/",
            ),
            (&[(ACCOUNT, "mine"), (KEY, "YQ==")], "mine: key at https://mine.blob.core.windows.net/"),
            (
                &[(ACCOUNT, "mine"), (SAS, "?sv=1&sig=2")],
                "mine: sas sv=1&sig=2 at https://mine.blob.core.windows.net/",
            ),
            (&[(ACCOUNT, "mine")], "mine: token at https://mine.blob.core.windows.net/"),
            // A user's own variables win over those that Functions always has.
            (
                &[(ACCOUNT, "mine"), (OF_FUNCTIONS, AZURITE)],
                "mine: token at https://mine.blob.core.windows.net/",
            ),
            (&[(OF_FUNCTIONS, AZURITE)], "dev: key at http://127.0.0.1:1/dev"),
            (
                &[("AzureWebJobsStorage__accountName", "fun")],
                "fun: token at https://fun.blob.core.windows.net/",
            ),
            (
                &[
                    ("AzureWebJobsStorage__accountName", "fun"),
                    ("AzureWebJobsStorage__credential", "managedidentity"),
                    ("AzureWebJobsStorage__clientId", "id"),
                ],
                "fun: managed id at https://fun.blob.core.windows.net/",
            ),
            (
                &[
                    ("AzureWebJobsStorage__blobServiceUri", "https://fun.blob.core.usgovcloudapi.net"),
                    ("AzureWebJobsStorage__credential", "managedidentity"),
                ],
                "fun: managed - at https://fun.blob.core.usgovcloudapi.net/",
            ),
        ] {
            assert_eq!(found(None, &none, environment).expect(expected), expected);
        }
    }

    #[test]
    fn what_code_says_wins_and_a_url_names_another_account() {
        let config = |set: fn(&mut AzureConfig)| {
            let mut config = AzureConfig::default();
            set(&mut config);
            config
        };
        let of_mine = [(ACCOUNT, "mine"), (KEY, "YQ==")];
        let at =
            |name: &str, caller: &str| format!("{name}: {caller} at https://{name}.blob.core.windows.net/");
        for (of_url, config, expected) in [
            (None, config(|_| ()), at("mine", "key")),
            // The key of one account opens no other.
            (Some("other"), config(|_| ()), at("other", "token")),
            (None, config(|config| config.account = Some("other".to_owned())), at("other", "token")),
            (None, config(|config| config.account = Some("mine".to_owned())), at("mine", "key")),
            (None, config(|config| config.sas = Some("sv=1&sig=2".to_owned())), at("mine", "sas sv=1&sig=2")),
            (
                None,
                config(|config| {
                    config.account = Some("other".to_owned());
                    config.account_key = Some("YQ==".to_owned());
                }),
                at("other", "key"),
            ),
            (
                Some("other"),
                config(|config| config.account_key = Some("YQ==".to_owned())),
                at("other", "token"),
            ),
            (
                None,
                config(|config| config.connection_string = Some("AccountName=other".to_owned())),
                at("other", "token"),
            ),
        ] {
            assert_eq!(found(of_url, &config, &of_mine).expect(&expected), expected);
        }
        let configured =
            AzureConfig { blob_endpoint: Some("https://mine.example".to_owned()), ..AzureConfig::default() };
        let own = found(None, &configured, &of_mine).expect("its own");
        assert_eq!(own, "mine: key at https://mine.example/");
        let error = found(Some("other"), &configured, &of_mine).expect_err("whose endpoint?");
        assert!(error.message().contains("endpoint="), "{error}");
        // Where nobody names an account, the key is that of the URL's.
        let keyed = [(KEY, "YQ==")];
        assert_eq!(found(Some("mine"), &AzureConfig::default(), &keyed).expect("found"), at("mine", "key"));
    }

    /// A credential that gives nothing.
    #[derive(Debug)]
    struct Somebody;

    #[async_trait::async_trait]
    impl azure_core::credentials::TokenCredential for Somebody {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<azure_core::credentials::TokenRequestOptions<'_>>,
        ) -> azure_core::Result<azure_core::credentials::AccessToken> {
            Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, "nothing"))
        }
    }

    #[test]
    fn a_credential_in_code_wins_over_a_key_and_a_sas_of_the_environment() {
        let mut config = AzureConfig { credential: Some(Arc::new(Somebody)), ..AzureConfig::default() };
        for environment in [
            &[(ACCOUNT, "mine"), (KEY, "YQ==")][..],
            &[(ACCOUNT, "mine"), (SAS, "sv=1&sig=2")],
            &[(CONNECTION_STRING, BY_SAS)],
            &[(OF_FUNCTIONS, "AccountName=mine;AccountKey=YQ==")],
        ] {
            let expected = "mine: token at https://mine.blob.core.windows.net/";
            assert_eq!(found(None, &config, environment).expect(expected), expected);
        }
        config.account = Some("mine".to_owned());
        let private = "AccountName=mine;AccountKey=YQ==;BlobEndpoint=https://mine.private.example";
        let expected = "mine: token at https://mine.private.example/";
        assert_eq!(found(None, &config, &[(CONNECTION_STRING, private)]).expect(expected), expected);
        config.sas = Some("sv=1&sig=2".to_owned());
        let expected = "mine: sas sv=1&sig=2 at https://mine.private.example/";
        assert_eq!(found(None, &config, &[(CONNECTION_STRING, private)]).expect(expected), expected);
    }

    #[test]
    fn of_the_account_that_code_names_the_environment_says_who_and_where() {
        for (account, environment, expected) in [
            ("dev", (CONNECTION_STRING, AZURITE), "dev: key at http://127.0.0.1:1/dev"),
            (
                "cn1",
                (CONNECTION_STRING, "AccountName=cn1;AccountKey=YQ==;EndpointSuffix=core.chinacloudapi.cn"),
                "cn1: key at https://cn1.blob.core.chinacloudapi.cn/",
            ),
            ("mine", (CONNECTION_STRING, AZURITE), "mine: token at https://mine.blob.core.windows.net/"),
        ] {
            let config = AzureConfig { account: Some(account.to_owned()), ..AzureConfig::default() };
            assert_eq!(found(None, &config, &[environment]).expect(expected), expected);
        }
        let managed = [
            ("AzureWebJobsStorage__accountName", "fun"),
            ("AzureWebJobsStorage__credential", "managedidentity"),
            ("AzureWebJobsStorage__clientId", "id"),
        ];
        let config = AzureConfig { account: Some("fun".to_owned()), ..AzureConfig::default() };
        let expected = "fun: managed id at https://fun.blob.core.windows.net/";
        assert_eq!(found(None, &config, &managed).expect(expected), expected);
    }

    #[test]
    fn a_sas_is_sent_without_tls_to_an_endpoint_that_is_said_and_to_no_other() {
        let none = AzureConfig::default();
        let derived =
            "DefaultEndpointsProtocol=http;AccountName=mine;SharedAccessSignature=sv=1&sig=TOPSECRET";
        let error = found(None, &none, &[(CONNECTION_STRING, derived)]).expect_err("no TLS");
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.message().contains("DefaultEndpointsProtocol=https"), "{error}");
        assert!(!format!("{error:?}").contains("TOPSECRET"));
        let said = format!("{derived};BlobEndpoint=http://127.0.0.1:1/mine");
        found(None, &none, &[(CONNECTION_STRING, &said)]).expect("an emulator");
    }

    #[test]
    fn what_is_wrong_is_said_without_a_secret() {
        let none = AzureConfig::default();
        for (of_url, environment, part) in [
            (None, &[][..], "AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT"),
            (None, &[(CONNECTION_STRING, "TOPSECRET")], CONNECTION_STRING),
            (None, &[(ACCOUNT, "mine"), (KEY, "TOPSECRET!")], "key"),
            (None, &[(ACCOUNT, "mine"), (SAS, "TOPSECRET")], "sig="),
            (None, &[(ACCOUNT, "mine"), (SAS, "sv=1&sig=TOP SECRET")], "sig="),
            (Some("evil.example/x"), &[], "3 to 24"),
            (Some("UPPER"), &[], "3 to 24"),
            (Some(""), &[], "3 to 24"),
        ] {
            let error = found(of_url, &none, environment).expect_err(part);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            let text = format!("{error:?}");
            assert!(
                text.contains(part) && !text.contains("TOPSECRET") && !text.contains("TOP SECRET"),
                "{text}"
            );
        }
    }
}
