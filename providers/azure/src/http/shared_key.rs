//! Requests that are signed with the account's key: SharedKey, and for tables SharedKeyLite.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Body, Context, Request, Url};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use skyport_core::{Error, Result};

use crate::config::endpoint::Service;

const DATE: HeaderName = HeaderName::from_static("x-ms-date");
const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

/// The headers whose values stand in a line each, in this order. The date is in a header of Azure's own.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

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

    fn sign(&self, request: &mut Request) {
        request.insert_header(DATE, to_rfc7231(&OffsetDateTime::now_utc()));
        let text = match self.service {
            Service::Table => table_text(request, &self.account),
            Service::Blob | Service::Queue => text(request, &self.account),
        };
        let (scheme, signature) = match self.service {
            Service::Table => ("SharedKeyLite", self.key.sign(&text)),
            Service::Blob | Service::Queue => ("SharedKey", self.key.sign(&text)),
        };
        let value = format!("{scheme} {}:{signature}", self.account);
        request.insert_header(AUTHORIZATION, HeaderValue::from(value));
    }
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.sign(request);
        next[0].send(context, request, &next[1..]).await
    }
}

/// What is signed of a request to Blob or Queue Storage.
fn text(request: &Request, account: &str) -> String {
    let mut text = format!("{}\n", request.method().as_str());
    for name in SIGNED {
        let value: Cow<'_, str> = match name {
            "content-length" => length(request.body()).into(),
            _ => value(request.headers(), name).into(),
        };
        let _ = writeln!(text, "{value}");
    }
    let mut own: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .collect();
    own.sort_unstable();
    for (name, value) in own {
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    text.push_str(&resource(request.url(), account));
    text
}

/// What is signed of a request to Table Storage.
fn table_text(request: &Request, account: &str) -> String {
    let url = request.url();
    let mut text = format!("{}\n/{account}{}", value(request.headers(), DATE.as_str()), url.path());
    if let Some((_, comp)) = url.query_pairs().find(|(name, _)| name == "comp") {
        let _ = write!(text, "?comp={comp}");
    }
    text
}

/// The resource: the account, the path as it is sent, and the query, decoded and in order.
fn resource(url: &Url, account: &str) -> String {
    let mut text = format!("/{account}{}", url.path());
    let mut query: Vec<(String, Cow<'_, str>)> =
        url.query_pairs().map(|(name, value)| (name.to_lowercase(), value)).collect();
    query.sort_unstable();
    let mut last = None;
    for (name, value) in query {
        // Values of one name stand in one line.
        if last.as_ref() == Some(&name) {
            let _ = write!(text, ",{value}");
        } else {
            let _ = write!(text, "\n{name}:{value}");
        }
        last = Some(name);
    }
    text
}

/// The length of a body; nothing where there is nothing.
fn length(body: &Body) -> String {
    body.len().filter(|length| *length > 0).map(|length| length.to_string()).unwrap_or_default()
}

fn value<'h>(headers: &'h Headers, name: &str) -> &'h str {
    headers.get_optional_str(&HeaderName::from(name.to_owned())).unwrap_or_default()
}
