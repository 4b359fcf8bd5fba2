//! Connection strings: `AccountName=..;AccountKey=..;EndpointSuffix=..`.

use skyport_core::{Error, Result};

/// The account and the key of every Azurite, which are no secret, and where it listens by default.
const DEVELOPMENT: [(&str, &str); 5] = [
    ("AccountName", "devstoreaccount1"),
    (
        "AccountKey",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    ),
    ("BlobEndpoint", ":10000/devstoreaccount1"),
    ("QueueEndpoint", ":10001/devstoreaccount1"),
    ("TableEndpoint", ":10002/devstoreaccount1"),
];

/// What a connection string says.
#[derive(Clone, Default)]
pub(super) struct ConnectionString {
    pub(super) account: Option<String>,
    pub(super) key: Option<String>,
    pub(super) sas: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) suffix: Option<String>,
    pub(super) blob: Option<String>,
    pub(super) queue: Option<String>,
    pub(super) table: Option<String>,
}

/// Reads one. Its own name stands in errors, and nothing of what is in it.
pub(super) fn read(text: &str, of: &str) -> Result<ConnectionString> {
    let mut read = ConnectionString::default();
    let (mut is_development, mut proxy) = (false, None);
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        // A key in base64 has `=` itself, and so has a SAS.
        let Some((name, value)) = part.split_once('=') else {
            return Err(Error::invalid(format!(
                "{of} is no connection string: it must be `Name=value` between semicolons, as the portal shows it"
            )));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("UseDevelopmentStorage") {
            is_development = value.eq_ignore_ascii_case("true");
        } else if name.eq_ignore_ascii_case("DevelopmentStorageProxyUri") {
            proxy = Some(value.trim_end_matches('/').to_owned());
        } else if let Some(place) = read.place(name) {
            *place = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
    }
    if is_development {
        let host = proxy.unwrap_or_else(|| "http://127.0.0.1".to_owned());
        for (name, value) in DEVELOPMENT {
            let value = if value.starts_with(':') { format!("{host}{value}") } else { value.to_owned() };
            if let Some(place) = read.place(name) {
                place.get_or_insert(value);
            }
        }
    }
    Ok(read)
}

impl ConnectionString {
    /// Where a part stands; none for what is not ours to read.
    fn place(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match &*name.to_ascii_lowercase() {
            "accountname" => &mut self.account,
            "accountkey" => &mut self.key,
            "sharedaccesssignature" => &mut self.sas,
            "defaultendpointsprotocol" => &mut self.protocol,
            "endpointsuffix" => &mut self.suffix,
            "blobendpoint" => &mut self.blob,
            "queueendpoint" => &mut self.queue,
            "tableendpoint" => &mut self.table,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_equals_signs_and_names_any_case() {
        let read = read(
            "accountname = a ;AccountKey=YQ==;;EndpointSuffix=core.example;FileEndpoint=https://x;CaFile=/c",
            "X",
        );
        let read = read.expect("valid");
        assert_eq!((read.account.as_deref(), read.key.as_deref()), (Some("a"), Some("YQ==")));
        assert_eq!(read.suffix.as_deref(), Some("core.example"));
    }

    #[test]
    fn a_sas_keeps_all_that_is_in_it() {
        let read = read(
            "BlobEndpoint=https://a.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%2Fb%3D",
            "X",
        );
        let read = read.expect("valid");
        assert_eq!(read.sas.as_deref(), Some("sv=1&sig=a%2Fb%3D"));
        assert_eq!((read.account, read.key), (None, None));
    }

    #[test]
    fn development_storage_is_azurite_where_it_listens_by_default_or_where_the_proxy_is() {
        let usual = read("UseDevelopmentStorage=true", "X").expect("valid");
        assert_eq!(usual.queue.as_deref(), Some("http://127.0.0.1:10001/devstoreaccount1"));
        assert!(usual.key.is_some_and(|key| key.starts_with("Eby8")));
        let text = "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/";
        let proxied = read(text, "X").expect("valid");
        assert_eq!(proxied.table.as_deref(), Some("http://azurite:10002/devstoreaccount1"));
        assert_eq!(read("UseDevelopmentStorage=false", "X").expect("valid").account, None);
    }

    #[test]
    fn what_is_no_connection_string_is_not_shown() {
        let error = read("secret", "AZURE_STORAGE_CONNECTION_STRING").err().expect("no name");
        assert!(error.message().contains("AZURE_STORAGE_CONNECTION_STRING"), "{error}");
        assert!(!error.message().contains("secret"), "{error}");
    }
}
