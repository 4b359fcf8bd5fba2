//! Signing requests for clients without credentials: a shared access signature of one blob, by the account's key without any I/O, or by a
//! user delegation key, which Azure hands to whoever has a token.
//!
//! Both sign the same text but for the lines that name the delegation key (`sas.rs`). Azure's own crate for this signs with delegation keys alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use skyport_core::blob::port::{SignMethod, SignOptions, SignedRequest};
use skyport_core::{Clock, Error, Result};

use crate::config::Connection;
use crate::config::credentials::Credential;
use crate::provision::NAME;
use sas::Sas;

mod delegation;
mod sas;

pub(crate) use delegation::DelegationKeys;

/// What a blob is made as. Azure refuses a PUT that does not say it.
const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");

/// What becomes of a blob's snapshots.
const SNAPSHOTS: HeaderName = HeaderName::from_static("x-ms-delete-snapshots");

/// The content type of the blob, which wins over that of the body.
const BLOB_CONTENT_TYPE: &str = "x-ms-blob-content-type";

/// Whether whoever calls can sign: one signature cannot make another.
pub(super) fn is_possible(connection: &Connection) -> bool {
    !matches!(connection.credential(), Credential::Sas(_))
}

/// Signs a request for one blob of a container, by this clock.
///
/// # Errors
/// `Unsupported` where a SAS is all that this program has, and for a content type, which an account's key cannot bind; what the credentials say where a delegation key has to be fetched.
pub(super) async fn sign(
    connection: &Connection,
    container: &str,
    key: &str,
    clock: Clock,
    options: &SignOptions,
) -> Result<SignedRequest> {
    let mut url = super::name::of_blob(connection, container, key)?;
    let headers = headers(options)?;
    let now = clock.now();
    let mut sas = Sas {
        permissions: permissions(options),
        expires: whole_seconds(now, options.expires_in),
        resource: format!("/blob/{}/{container}/{key}", connection.account()),
        https_only: url.scheme() == "https",
        content_type: None,
    };
    let query = match connection.credential() {
        Credential::Key(_) if options.content_type.is_some() => return Err(cannot_bind()),
        Credential::Key(key) => sas.by_account_key(key),
        Credential::Token(_) => {
            let key = connection.delegation_keys().get(connection, now, sas.expires).await?;
            sas.expires = sas.expires.min(key.expires);
            sas.content_type = options.content_type.as_deref();
            sas.by_delegation_key(&key)
        }
        Credential::Sas(_) => return Err(cannot_sign()),
    };
    url.set_query(Some(&query));
    let mut signed = SignedRequest::new(options.method.as_http(), url.into(), sas.expires);
    signed.headers = headers;
    Ok(signed)
}

/// What the client must send.
fn headers(options: &SignOptions) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    match options.method {
        SignMethod::Put => drop(headers.insert(BLOB_TYPE, HeaderValue::from_static("BlockBlob"))),
        // Azure deletes no blob without its snapshots.
        SignMethod::Delete => drop(headers.insert(SNAPSHOTS, HeaderValue::from_static("include"))),
        SignMethod::Get => {}
    }
    if let Some(content_type) = &options.content_type {
        let value = HeaderValue::from_str(content_type);
        let value = value
            .map_err(|error| Error::invalid("the content type is no header value").with_source(error))?;
        headers.insert(BLOB_CONTENT_TYPE, value.clone());
        headers.insert(CONTENT_TYPE, value);
    }
    if options.if_absent {
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    }
    Ok(headers)
}

/// In the order in which Azure wants them. Without `w` no blob is overwritten, whatever headers a client leaves out.
fn permissions(options: &SignOptions) -> &'static str {
    match options.method {
        SignMethod::Get => "r",
        SignMethod::Put if options.if_absent => "c",
        SignMethod::Put => "cw",
        SignMethod::Delete => "d",
    }
}

/// The end of a time from now, in whole seconds, and no sooner than was asked for.
fn whole_seconds(now: SystemTime, wanted: Duration) -> SystemTime {
    let end = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(wanted);
    UNIX_EPOCH + Duration::from_secs(end.as_secs() + u64::from(end.subsec_nanos() > 0))
}

fn cannot_bind() -> Error {
    let text = "the account's key cannot bind the content type of a signed URL: call with an identity, which can, or sign without one and look \
                at what was written";
    Error::unsupported(text).with_provider(NAME)
}

fn cannot_sign() -> Error {
    let text = "a shared access signature cannot sign others: give the account's key (AZURE_STORAGE_KEY, or a connection string with \
                AccountKey), or an identity with a role `Storage Blob Data ..` on the account";
    Error::unsupported(text).with_provider(NAME)
}
