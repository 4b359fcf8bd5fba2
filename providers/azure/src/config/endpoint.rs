//! Where each service is: the account's own endpoint, or another.

use azure_core::http::Url;
use skyport_core::{Error, Result};

use super::AzureConfig;
use super::credentials::Account;

/// A service of a storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Blob Storage.
    Blob,
    /// Queue Storage.
    Queue,
    /// Table Storage.
    Table,
}

impl Service {
    /// As it is called in host names and variables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Queue => "queue",
            Self::Table => "table",
        }
    }

    fn configured(self, config: &AzureConfig) -> Option<&str> {
        match self {
            Self::Blob => config.blob_endpoint.as_deref(),
            Self::Queue => config.queue_endpoint.as_deref(),
            Self::Table => config.table_endpoint.as_deref(),
        }
    }
}

/// A base of URLs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

/// The endpoint: the URL's, the configuration's, the connection string's, or the account's own.
pub(super) fn of(
    service: Service,
    of_url: Option<&str>,
    config: &AzureConfig,
    account: &Account,
) -> Result<Endpoint> {
    let chosen = of_url.or_else(|| service.configured(config)).or_else(|| account.endpoint(service));
    match chosen {
        Some(text) => read(text),
        None => {
            let (scheme, suffix) = (account.scheme(), account.suffix());
            read(&format!("{scheme}://{}.{}.{suffix}", account.name, service.name()))
        }
    }
}

fn read(text: &str) -> Result<Endpoint> {
    let wrong = || {
        Error::invalid(
            "an endpoint of Azure must begin with `https://` or `http://`, and have no user, query or fragment",
        )
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain_base = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain_base { Ok(Endpoint(url)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_base_without_secrets() {
        for text in [
            "https://x.blob.core.windows.net",
            "http://127.0.0.1:10000/devstoreaccount1",
            "https://[::1]:1/x/",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
        for bad in
            ["", "x.blob.core.windows.net", "ftp://x", "https://u:p@x", "https://x?sig=1", "https://x#f"]
        {
            let error = read(bad).expect_err(bad);
            assert!(error.message().contains("https://"));
        }
    }
}
