//! Connection strings: `AccountName=..;AccountKey=..;EndpointSuffix=..`.

use skyport_core::{Error, Result};

/// The account and the key of every Azurite, which are no secret.
pub(super) const DEVELOPMENT: &str = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1";

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
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        // A key in base64 has `=` itself.
        let Some((name, value)) = part.split_once('=') else {
            return Err(Error::invalid(format!(
                "{of} is no connection string: it must be `Name=value` between semicolons, as the portal shows it"
            )));
        };
        if name.eq_ignore_ascii_case("UseDevelopmentStorage") && value.eq_ignore_ascii_case("true") {
            return self::read(DEVELOPMENT, of);
        }
        let place = match &*name.to_ascii_lowercase() {
            "accountname" => &mut read.account,
            "accountkey" => &mut read.key,
            "sharedaccesssignature" => &mut read.sas,
            "defaultendpointsprotocol" => &mut read.protocol,
            "endpointsuffix" => &mut read.suffix,
            "blobendpoint" => &mut read.blob,
            "queueendpoint" => &mut read.queue,
            "tableendpoint" => &mut read.table,
            _ => continue,
        };
        *place = Some(value.to_owned()).filter(|value| !value.is_empty());
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_equals_signs_and_names_any_case() {
        let read = read("accountname=a;AccountKey=YQ==;;EndpointSuffix=core.example", "X").expect("valid");
        assert_eq!((read.account.as_deref(), read.key.as_deref()), (Some("a"), Some("YQ==")));
        assert_eq!(read.suffix.as_deref(), Some("core.example"));
    }

    #[test]
    fn development_storage_is_azurite_where_it_listens_by_default() {
        let read = read("UseDevelopmentStorage=true", "X").expect("valid");
        assert_eq!(read.queue.as_deref(), Some("http://127.0.0.1:10001/devstoreaccount1"));
    }

    #[test]
    fn what_is_no_connection_string_is_not_shown() {
        let error = read("secret", "AZURE_STORAGE_CONNECTION_STRING").err().expect("no name");
        assert!(
            error.message().contains("AZURE_STORAGE_CONNECTION_STRING")
                && !error.message().contains("secret")
        );
    }
}
