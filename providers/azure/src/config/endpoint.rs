//! Where each service is: the account's own endpoint, or another.

use azure_core::http::Url;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::{Error, ErrorKind, Result};

use super::AzureConfig;
use super::credentials::Account;

/// What a segment of a path holds as it is. What HTTP lets stand is fewer than what the crate `url` does: a signature is made of the path
/// as it is sent, so nothing between here and Azure may have a reason to write it otherwise.
pub(crate) const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

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
    /// As it is called in host names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Queue => "queue",
            Self::Table => "table",
        }
    }

    /// As people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Blob => "Blob",
            Self::Queue => "Queue",
            Self::Table => "Table",
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

    /// Whether a request to it is seen by nobody on its way.
    pub(crate) fn has_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of what these segments name below it; each is one, whatever letters it has.
    pub(crate) fn below(&self, segments: &[&str]) -> Result<Url> {
        let mut path = self.0.path().trim_end_matches('/').to_owned();
        for segment in segments {
            if matches!(*segment, "." | "..") {
                return Err(Error::invalid(format!(
                    "`{segment}` cannot stand alone in a name: in a URL it is a way, and no name"
                )));
            }
            path.push('/');
            path.extend(utf8_percent_encode(segment, IN_PATH));
        }
        let mut url = self.0.clone();
        url.set_path(&path);
        Ok(url)
    }
}

/// The endpoint: the URL's, the configuration's, the connection string's, or the account's own.
pub(super) fn of(
    service: Service,
    of_url: Option<&str>,
    config: &AzureConfig,
    account: &Account,
) -> Result<Endpoint> {
    let configured = service.configured(config);
    if of_url.is_none() && configured.is_some() && !account.is_usual {
        return Err(Error::invalid(format!(
            "the endpoint of {} Storage in the configuration is that of another account: say in the URL, as `endpoint=`, where the one that \
             it names is",
            service.title()
        )));
    }
    if let Some(text) = of_url.or(configured).or_else(|| account.endpoint(service)) {
        return read(text);
    }
    if account.calls_with_sas() && account.scheme() != "https" {
        let text = "a shared access signature is never sent without TLS to Azure: say `DefaultEndpointsProtocol=https`, or, for an emulator, its endpoint";
        return Err(Error::new(ErrorKind::Unauthenticated, text));
    }
    // It becomes a part of a host's name, to which tokens are sent.
    let fits = |name: &str| {
        (3..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if !fits(&account.name) {
        return Err(Error::invalid(
            "a storage account's name has 3 to 24 lower-case letters and digits; one that is elsewhere needs an endpoint",
        ));
    }
    read(&format!("{}://{}.{}.{}", account.scheme(), account.name, service.name(), account.suffix()))
}

/// The account that an endpoint is of: the first part of its host's name, or, where the host is not the account's own as on an emulator, of its path.
pub(super) fn account_in(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let of_path = || url.path_segments()?.find(|segment| !segment.is_empty()).map(str::to_owned);
    match url.domain().and_then(|host| host.split_once('.')) {
        // Between them may stand the name of a zone, or of a private link.
        Some((account, rest)) if rest.split('.').any(|label| ["blob", "queue", "table"].contains(&label)) => {
            Some(account.trim_end_matches("-secondary").to_owned())
        }
        _ => of_path(),
    }
}

/// What may be shown of what was given as an endpoint.
pub(super) fn place(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        _ => "no URL".to_owned(),
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

    #[test]
    fn what_is_below_an_endpoint_is_named_by_segments_of_any_letters() {
        for (base, segments, url) in [
            ("https://a.blob.core.windows.net", &["c", "k"][..], "https://a.blob.core.windows.net/c/k"),
            ("http://127.0.0.1:1/acc/", &["c", "a b%/\u{fc}"], "http://127.0.0.1:1/acc/c/a%20b%25%2F%C3%BC"),
            ("http://127.0.0.1:1/acc", &[], "http://127.0.0.1:1/acc"),
            ("https://h", &["[|]^`{}\"<>\\?#+"], "https://h/%5B%7C%5D%5E%60%7B%7D%22%3C%3E%5C%3F%23%2B"),
            ("https://h", &["T(PartitionKey='a',RowKey='b')"], "https://h/T(PartitionKey='a',RowKey='b')"),
            ("https://h", &["c", "", "...", ".a"], "https://h/c//.../.a"),
        ] {
            assert_eq!(read(base).expect(base).below(segments).expect(url).as_str(), url);
        }
        for way in [".", ".."] {
            assert!(read("https://h").expect("valid").below(&["c", way, "k"]).is_err());
        }
    }

    #[test]
    fn an_endpoint_tells_whose_it_is() {
        for (text, account) in [
            ("https://mine.blob.core.windows.net/", Some("mine")),
            ("https://mine.queue.core.chinacloudapi.cn", Some("mine")),
            ("https://mine-secondary.table.core.windows.net", Some("mine")),
            ("https://mine.z12.blob.storage.azure.net", Some("mine")),
            ("https://mine.privatelink.queue.core.windows.net/", Some("mine")),
            ("http://azurite:10000/devstoreaccount1", Some("devstoreaccount1")),
            ("http://127.0.0.1:10000/devstoreaccount1/", Some("devstoreaccount1")),
            ("https://storage.example.com/", None),
            ("nonsense", None),
        ] {
            assert_eq!(account_in(text).as_deref(), account, "{text}");
        }
    }
}
