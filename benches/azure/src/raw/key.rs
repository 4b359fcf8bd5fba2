//! Requests signed with the account's key: the SDK has no such policy, so whoever calls by it writes one.

use std::convert::Infallible;
use std::fmt::{self, Write as _};
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
use skyport_measure::Outcome;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");
const DATE: HeaderName = HeaderName::from_static("x-ms-date");

/// The headers before Azure's own, each with a line of its own; that of the body's length is not among them.
const BEFORE_LENGTH: [&str; 2] = ["content-encoding", "content-language"];
const AFTER_LENGTH: [&str; 8] = [
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// An account and its key.
pub struct SharedKey {
    account: String,
    key: Hmac<Sha256>,
}

impl SharedKey {
    /// Of a key in base64.
    ///
    /// # Errors
    /// Where it is none.
    pub fn new(account: &str, key: &str) -> Outcome<Self> {
        Ok(Self { account: account.to_owned(), key: Hmac::new_from_slice(&STANDARD.decode(key)?)? })
    }

    /// The account's name.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The signature of a text, in base64.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut mac = self.key.clone();
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// What is signed of a request. None has letters in its query that are escaped.
    fn text(&self, request: &Request) -> String {
        // `get_optional_str` would make an error of each header that is missing, as most are.
        let value = |name| {
            let found = request.headers().get_optional_with(&HeaderName::from_static(name), |value| {
                Ok::<_, Infallible>(value.as_str())
            });
            found.ok().flatten().unwrap_or_default()
        };
        let mut text = String::with_capacity(512);
        text.push_str(request.method().as_str());
        text.push('\n');
        for name in BEFORE_LENGTH {
            text.extend([value(name), "\n"]);
        }
        if let Some(length) = request.body().len().filter(|&length| length > 0) {
            // Writing into a string does not fail.
            let _ = write!(text, "{length}");
        }
        text.push('\n');
        for name in AFTER_LENGTH {
            text.extend([value(name), "\n"]);
        }
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut own: Vec<(&str, &str)> = headers.filter(|(name, _)| name.starts_with("x-ms-")).collect();
        own.sort_unstable();
        for (name, value) in own {
            text.extend([name, ":", value, "\n"]);
        }
        text.extend(["/", &self.account, request.url().path()]);
        let mut query: Vec<_> = request.url().query_pairs().collect();
        query.sort_unstable();
        for (name, value) in query {
            // In small letters, as names are signed.
            let _ = write!(text, "\n{}:{value}", name.to_lowercase());
        }
        text
    }
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header(DATE, to_rfc7231(&OffsetDateTime::now_utc()));
        let value = format!("SharedKey {}:{}", self.account, self.sign(&self.text(request)));
        request.insert_header(AUTHORIZATION, HeaderValue::from(value));
        next[0].send(context, request, &next[1..]).await
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("account", &self.account).finish_non_exhaustive()
    }
}
