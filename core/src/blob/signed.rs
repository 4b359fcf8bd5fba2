//! Signed URLs of a bucket on this machine: made by [`UrlSigner`], served by [`SignedEndpoint`].

mod endpoint;
mod http_date;
mod http_range;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;

use super::port::{SignMethod, SignOptions, SignedRequest};
use crate::clock::{Clock, from_millis, to_millis};
use crate::{Error, ErrorKind, Result};

pub use endpoint::SignedEndpoint;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The path under which a provider's signed URLs live: `/_skyport/<provider>/`.
#[must_use]
pub fn prefix(provider: &str) -> String {
    format!("/_skyport/{provider}/")
}

/// Makes and verifies URLs that are good for one method on one object until they expire.
///
/// The signature (HMAC-SHA256) covers method, bucket, key, expiry, content type and whether the write only creates.
#[derive(Clone)]
pub struct UrlSigner {
    secret: [u8; 32],
    base_url: String,
    prefix: String,
}

impl UrlSigner {
    /// Signs with `secret`: whoever knows it can make URLs. `base_url` is where the endpoint is reached, such as
    /// `http://localhost:8080`, without a path; there the URLs live under its [`prefix`].
    #[must_use]
    pub fn new(provider: &str, secret: [u8; 32], base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        Self { secret, base_url, prefix: prefix(provider) }
    }

    /// The path under which the URLs live, beginning and ending with `/`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A request for `key` of `bucket` that works from now on, by `clock`.
    ///
    /// # Errors
    /// `InvalidArgument` for a content type that is no header value, and a time beyond what can be told.
    pub fn sign(
        &self,
        clock: &Clock,
        bucket: &str,
        key: &str,
        options: &SignOptions,
    ) -> Result<SignedRequest> {
        let expires = expiry(clock, options.expires_in)?;
        let grant = Grant {
            method: options.method,
            bucket: bucket.into(),
            key: key.into(),
            expires,
            content_type: options.content_type.as_deref().map(Cow::from),
            if_absent: options.if_absent,
        };
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&grant)?.finalize().into_bytes());
        let mut url = format!(
            "{}{}{}/{}?method={}&expires={expires}",
            self.base_url,
            self.prefix,
            utf8_percent_encode(bucket, UNRESERVED),
            utf8_percent_encode(key, PATH),
            options.method.as_http(),
        );
        if let Some(content_type) = &options.content_type {
            url.push_str("&type=");
            url.extend(utf8_percent_encode(content_type, UNRESERVED));
        }
        if options.if_absent {
            url.push_str("&absent=1");
        }
        url.push_str("&signature=");
        url.push_str(&signature);
        let mut signed = SignedRequest::new(options.method.as_http(), url, from_millis(expires));
        if let Some(content_type) = &options.content_type {
            let value = HeaderValue::from_str(content_type)
                .map_err(|error| Error::invalid("the content type is no header value").with_source(error))?;
            signed.headers.insert(CONTENT_TYPE, value);
        }
        Ok(signed)
    }

    /// What a request's path and query permit, once their signature has been verified. Expiry is not looked at.
    fn verify(&self, path: &str, query: &str) -> Result<Grant<'static>> {
        let signed = path.strip_prefix(&self.prefix).and_then(|path| parse(path, query));
        let (grant, signature) =
            signed.ok_or_else(|| denied("this URL is not signed; ask the application for one"))?;
        // `verify_slice` compares in constant time.
        self.mac(&grant)?
            .verify_slice(&signature)
            .map_err(|_| denied("the signature of this URL is wrong"))?;
        Ok(grant)
    }

    fn mac(&self, grant: &Grant<'_>) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .map_err(|error| Error::internal("the signing key has a wrong length").with_source(error))?;
        let (method, expires) = (grant.method.as_http(), grant.expires.to_string());
        let (typed, content_type) = match &grant.content_type {
            Some(content_type) => ("typed", &**content_type),
            None => ("untyped", ""),
        };
        let fields = [
            "skyport blob url 1",
            method.as_str(),
            &grant.bucket,
            &grant.key,
            &expires,
            typed,
            content_type,
            if grant.if_absent { "absent" } else { "any" },
        ]
        .map(str::as_bytes);
        for field in fields {
            // The length before each field: no two lists of fields give the same bytes.
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        Ok(mac)
    }
}

impl fmt::Debug for UrlSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlSigner").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// What a signed URL permits.
struct Grant<'a> {
    method: SignMethod,
    bucket: Cow<'a, str>,
    key: Cow<'a, str>,
    /// Milliseconds since 1970.
    expires: u64,
    content_type: Option<Cow<'a, str>>,
    if_absent: bool,
}

fn expiry(clock: &Clock, expires_in: Duration) -> Result<u64> {
    let expires = clock
        .now()
        .checked_add(expires_in)
        .ok_or_else(|| Error::invalid("a signed URL cannot live as long as that"))?;
    Ok(to_millis(expires))
}

fn denied(message: &'static str) -> Error {
    Error::new(ErrorKind::PermissionDenied, message)
}

/// Path (after the prefix) and query of a signed URL; `None` for all that was not made by [`UrlSigner::sign`].
fn parse(path: &str, query: &str) -> Option<(Grant<'static>, Vec<u8>)> {
    let (bucket, key) = path.split_once('/')?;
    let mut grant = Grant {
        method: SignMethod::Get,
        bucket: decoded(bucket)?,
        key: decoded(key)?,
        expires: 0,
        content_type: None,
        if_absent: false,
    };
    let (mut method, mut expires, mut signature) = (None, None, None);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        // A parameter that stands twice could mean one thing here and another elsewhere.
        let twice = match name {
            "method" => method.replace(parse_method(value)?).is_some(),
            "expires" => expires.replace(value.parse().ok()?).is_some(),
            "type" => grant.content_type.replace(decoded(value)?).is_some(),
            "absent" => value != "1" || std::mem::replace(&mut grant.if_absent, true),
            "signature" => signature.replace(URL_SAFE_NO_PAD.decode(value).ok()?).is_some(),
            _ => true,
        };
        if twice {
            return None;
        }
    }
    grant.method = method?;
    grant.expires = expires?;
    Some((grant, signature?))
}

fn parse_method(text: &str) -> Option<SignMethod> {
    [SignMethod::Get, SignMethod::Put, SignMethod::Delete].into_iter().find(|method| method.as_http() == text)
}

fn decoded(text: &str) -> Option<Cow<'static, str>> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(key: &str, options: &SignOptions) -> (UrlSigner, String, String) {
        let signer = UrlSigner::new("test", [7; 32], "http://localhost:8080/");
        let request = signer.sign(&Clock::system(), "photos", key, options).expect("a signed request");
        let uri: http::Uri = request.url.parse().expect("a valid URL");
        let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
        (signer, path, query)
    }

    #[test]
    fn a_signature_covers_all_that_the_url_says() {
        let mut options = SignOptions::new(SignMethod::Put, Duration::from_secs(60));
        options.content_type = Some("image/png; q=\"1&2\"".to_owned());
        options.if_absent = true;
        let (signer, path, query) = signed("a b/☺?&=%.png", &options);
        let grant = signer.verify(&path, &query).expect("its own URL");
        assert_eq!((&*grant.key, grant.method), ("a b/☺?&=%.png", SignMethod::Put));
        assert_eq!(grant.content_type.as_deref(), options.content_type.as_deref());
        for altered in [
            query.replace("PUT", "GET"),
            query.replace("expires=", "expires=9"),
            query.replace("&absent=1", ""),
            query.replace("&type=", "&absent=1&type="),
            query.replace("image", "imagf"),
            query.split("&signature").next().unwrap_or_default().to_owned(),
            format!("{query}&more=1"),
            String::new(),
        ] {
            assert!(signer.verify(&path, &altered).is_err(), "{altered}");
        }
        assert!(signer.verify(&path.replace("png", "jpg"), &query).is_err());
        assert!(signer.verify(&path.replace("photos", "photo"), &query).is_err());
        let other = UrlSigner::new("test", [8; 32], "http://localhost:8080");
        assert!(other.verify(&path, &query).is_err());
    }

    #[test]
    fn neither_the_key_nor_a_url_is_shown_by_debug() {
        let signer = UrlSigner::new("test", [7; 32], "http://h");
        assert_eq!(format!("{signer:?}"), r#"UrlSigner { base_url: "http://h", .. }"#);
    }
}
