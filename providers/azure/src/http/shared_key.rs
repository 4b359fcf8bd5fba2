//! Requests that are signed with the account's key: SharedKey, and for tables SharedKeyLite.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use skyport_core::{Error, Result};

use crate::config::endpoint::Service;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod text;

const DATE: HeaderName = HeaderName::from_static("x-ms-date");
const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

/// An account's key.
#[derive(Clone)]
pub(crate) struct AccountKey(Arc<Hmac<Sha256>>);

impl AccountKey {
    /// Reads one in base64, as the portal shows it.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let wrong =
            || Error::invalid("the storage account's key is no base64: is it whole, as the portal shows it?");
        let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
        Self::of_bytes(&bytes).ok_or_else(wrong)
    }

    /// One of these bytes; none of no bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let key = Some(bytes).filter(|bytes| !bytes.is_empty())?;
        Some(Self(Arc::new(Hmac::new_from_slice(key).ok()?)))
    }

    /// The signature of a text, in base64.
    pub(crate) fn sign(&self, text: &str) -> String {
        let mut mac = (*self.0).clone();
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey").finish_non_exhaustive()
    }
}

/// Signs each try of a request, with the time of that try.
#[derive(Debug)]
pub(crate) struct SharedKey {
    service: Service,
    account: String,
    key: AccountKey,
}

impl SharedKey {
    pub(crate) fn new(service: Service, account: &str, key: AccountKey) -> Self {
        Self { service, account: account.to_owned(), key }
    }

    fn sign(&self, request: &mut Request, now: OffsetDateTime) {
        request.insert_header(DATE, to_rfc7231(&now));
        let (scheme, text) = match self.service {
            Service::Table => ("SharedKeyLite", text::of_table_request(request, &self.account)),
            Service::Blob | Service::Queue => ("SharedKey", text::of_request(request, &self.account)),
        };
        let value = format!("{scheme} {}:{}", self.account, self.key.sign(&text));
        request.insert_header(AUTHORIZATION, HeaderValue::from(value));
    }
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.sign(request, OffsetDateTime::now_utc());
        next[0].send(context, request, &next[1..]).await
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::{Method, Url};
    use skyport_core::ErrorKind;

    use super::*;

    /// The key of every Azurite.
    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// What stands in the header `authorization` of a request of the year 2023.
    fn authorization(service: Service, url: &str) -> String {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
        let policy = SharedKey::new(service, "devstoreaccount1", AccountKey::read(KEY).expect("a key"));
        let mut request = Request::new(Url::parse(url).expect("a URL"), Method::Get);
        policy.sign(&mut request, now);
        assert_eq!(request.headers().get_optional_str(&DATE), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        request.headers().get_optional_str(&AUTHORIZATION).expect("signed").to_owned()
    }

    #[test]
    fn a_request_is_signed_as_openssl_signs_its_text() {
        let url = "http://127.0.0.1:10000/devstoreaccount1/c?restype=container&comp=metadata";
        assert_eq!(
            authorization(Service::Blob, url),
            "SharedKey devstoreaccount1:l+I31HoGhQV9dQguyovE6AnfEkzMP7znJQj3xLqykgE="
        );
        let url = "http://127.0.0.1:10002/devstoreaccount1/Tables";
        assert_eq!(
            authorization(Service::Table, url),
            "SharedKeyLite devstoreaccount1:fiMBLHU9mGa2ttBxTHkXfRLoUiMSI/tczVWmRt8c8Fk="
        );
    }

    #[test]
    fn a_key_that_is_not_whole_is_refused_and_none_is_shown() {
        for bad in ["", "not base64!", "YQ=", "TOPSECRET\u{fc}"] {
            let error = AccountKey::read(bad).expect_err("no key");
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("portal") && !error.message().contains("TOPSECRET"), "{error}");
        }
        let policy = SharedKey::new(Service::Blob, "a", AccountKey::read(" YQ==\n").expect("a key"));
        assert_eq!(format!("{:?}", policy.key), "AccountKey { .. }");
    }
}
