//! Requests that are signed with the account's key: SharedKey, and for tables SharedKeyLite.

use std::fmt;
use std::sync::Arc;
#[cfg(any(feature = "queue", feature = "kv"))]
use std::time::SystemTime;

#[cfg(any(feature = "queue", feature = "kv"))]
use azure_core::http::Url;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
#[cfg(any(feature = "queue", feature = "kv"))]
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use sha2::Sha256;
use skyport_core::{Error, Result};

use crate::config::endpoint::Service;
use text::Asked;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(any(feature = "blob", feature = "queue"))]
mod policy;
mod text;

const DATE: &str = "x-ms-date";

/// The letters of a signature.
const SIGNATURE: usize = 44;

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
    #[cfg(feature = "blob")]
    pub(crate) fn sign(&self, text: &str) -> String {
        let mut signature = String::with_capacity(SIGNATURE);
        self.sign_into(text, &mut signature);
        signature
    }

    fn sign_into(&self, text: &str, signature: &mut String) {
        let mut mac = (*self.0).clone();
        mac.update(text.as_bytes());
        STANDARD.encode_string(mac.finalize().into_bytes(), signature);
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

    /// What stands in the header `authorization` of a request that has its date.
    fn authorization(&self, request: &impl Asked) -> String {
        let (scheme, text) = match self.service {
            Service::Table => ("SharedKeyLite ", text::of_table_request(request, &self.account)),
            Service::Blob | Service::Queue => ("SharedKey ", text::of_request(request, &self.account)),
        };
        // As long as it is to be: what has room to spare is copied on its way into a header.
        let mut value = String::with_capacity(scheme.len() + self.account.len() + 1 + SIGNATURE);
        value.extend([scheme, &self.account, ":"]);
        self.key.sign_into(&text, &mut value);
        value
    }

    /// Signs a call of these parts, whose body has so many bytes.
    #[cfg(any(feature = "queue", feature = "kv"))]
    pub(super) fn sign_call(
        &self,
        method: &http::Method,
        url: &Url,
        headers: &mut HeaderMap,
        length: usize,
    ) -> std::result::Result<(), InvalidHeaderValue> {
        self.sign_call_at(method, url, headers, length, SystemTime::now())
    }

    #[cfg(any(feature = "queue", feature = "kv"))]
    fn sign_call_at(
        &self,
        method: &http::Method,
        url: &Url,
        headers: &mut HeaderMap,
        length: usize,
        now: SystemTime,
    ) -> std::result::Result<(), InvalidHeaderValue> {
        let date = skyport_core::clock::to_http_date(now);
        headers.insert(HeaderName::from_static(DATE), HeaderValue::from_str(date.as_str())?);
        let value = self.authorization(&text::Parts { method, url, headers, length });
        headers.insert(AUTHORIZATION, HeaderValue::try_from(value)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use skyport_core::ErrorKind;

    use super::*;

    /// The key of every Azurite.
    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// What stands in the header `authorization` of a request of the year 2023.
    #[cfg(any(feature = "queue", feature = "kv"))]
    fn authorization(service: Service, url: &str) -> String {
        let key = SharedKey::new(service, "devstoreaccount1", AccountKey::read(KEY).expect("a key"));
        let (url, mut headers) = (Url::parse(url).expect("a URL"), HeaderMap::new());
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        key.sign_call_at(&http::Method::GET, &url, &mut headers, 0, now).expect("signed");
        assert_eq!(headers.get(DATE).expect("a date"), "Tue, 14 Nov 2023 22:13:20 GMT");
        headers.get(AUTHORIZATION).expect("signed").to_str().expect("a text").to_owned()
    }

    #[cfg(any(feature = "queue", feature = "kv"))]
    #[test]
    fn a_call_is_signed_as_openssl_signs_its_text() {
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
        let key = SharedKey::new(Service::Blob, "a", AccountKey::read(" YQ==\n").expect("a key"));
        assert_eq!(format!("{:?}", key.key), "AccountKey { .. }");
    }
}
