//! Signing requests for clients without credentials: Google's signature V4, with the key of a service account or by IAM.
//!
//! A signed request is one of the XML API: `GET`, `PUT` or `DELETE` of `/bucket/key`. With a key at hand it is signed without any I/O.
//! Without one, IAM signs with a key that Google keeps, and changes: such a URL may end after 12 hours already.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use google_cloud_auth::signer::SigningError;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use sha2::{Digest, Sha256};
use skyport_core::blob::port::{SignOptions, SignedRequest};
use skyport_core::clock::Utc;
use skyport_core::{Error, Result};
use tokio::time::timeout;

use super::Gcs;
use super::call::UNRESERVED;
use super::read::IF_GENERATION_MATCH;
use crate::error;

/// What a path holds as it is.
const IN_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

const ALGORITHM: &str = "GOOG4-RSA-SHA256";

/// How long IAM may take.
const PATIENCE: Duration = Duration::from_secs(8);

impl Gcs {
    /// No I/O where the signer has a key; else one call of IAM's.
    pub(super) async fn presign(&self, key: &str, options: &SignOptions) -> Result<SignedRequest> {
        let signer = self.connection.signer()?;
        let email = in_time(signer.client_email()).await?;
        let mut headers = HeaderMap::new();
        if let Some(content_type) = &options.content_type {
            let value = HeaderValue::from_str(content_type);
            let value = value
                .map_err(|error| Error::invalid("the content type is no header value").with_source(error))?;
            headers.insert(CONTENT_TYPE, value);
        }
        if options.if_absent {
            headers.insert(IF_GENERATION_MATCH, HeaderValue::from_static("0"));
        }
        // Whole seconds, and no fewer than were asked for.
        let seconds = options.expires_in.as_secs() + u64::from(options.expires_in.subsec_nanos() > 0);
        let request = Unsigned {
            method: options.method.as_http(),
            endpoint: self.connection.endpoint(),
            path: format!("/{}/{}", encode(self.name(), UNRESERVED), encode(key, IN_PATH)),
            headers: &headers,
            email: &email,
            now: self.info.clock.now(),
            seconds,
        };
        let (url, text) = request.prepare()?;
        let signature = in_time(signer.sign(text)).await?;
        let url = format!("{url}&X-Goog-Signature={}", hex(&signature));
        let mut signed = SignedRequest::new(request.method.clone(), url, request.expires());
        signed.headers = headers;
        Ok(signed)
    }
}

/// A request that is to be signed.
struct Unsigned<'r> {
    method: http::Method,
    endpoint: &'r str,
    /// As a URL has it.
    path: String,
    headers: &'r HeaderMap,
    email: &'r str,
    now: SystemTime,
    seconds: u64,
}

impl Unsigned<'_> {
    /// The URL without its signature, and what is to be signed.
    fn prepare(&self) -> Result<(String, String)> {
        let utc = Utc::of(self.now);
        let date = format!("{:04}{:02}{:02}", utc.year, utc.month, utc.day);
        let time = format!("{date}T{:02}{:02}{:02}Z", utc.hour, utc.minute, utc.second);
        let scope = format!("{date}/auto/storage/goog4_request");
        let (names, canonical_headers) = self.canonical_headers()?;
        // In the order of their names.
        let query = format!(
            "X-Goog-Algorithm={ALGORITHM}&X-Goog-Credential={}&X-Goog-Date={time}&X-Goog-Expires={}&X-Goog-SignedHeaders={}",
            encode(&format!("{}/{scope}", self.email), UNRESERVED),
            self.seconds,
            encode(&names, UNRESERVED),
        );
        let canonical = format!(
            "{}\n{}\n{query}\n{canonical_headers}\n{names}\nUNSIGNED-PAYLOAD",
            self.method, self.path
        );
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        Ok((format!("{}{}?{query}", self.endpoint, self.path), text))
    }

    /// The names of the signed headers, and each with its value on a line, in the order of their names.
    fn canonical_headers(&self) -> Result<(String, String)> {
        let host = self.endpoint.split_once("://").map_or(self.endpoint, |(_, host)| host);
        let mut headers = vec![(HOST.as_str(), host)];
        for (name, value) in self.headers {
            let value = value.to_str();
            let value = value.map_err(|error| Error::invalid("a header is not ASCII").with_source(error))?;
            headers.push((name.as_str(), value));
        }
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let lines: String = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            // Writing into a string does not fail.
            let _ = writeln!(lines, "{name}:{}", words.join(" "));
            lines
        });
        Ok((names.join(";"), lines))
    }

    /// When the URL ends. The time at which it was signed has no fraction of a second.
    fn expires(&self) -> SystemTime {
        let now = self.now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        UNIX_EPOCH + Duration::from_secs(now.saturating_add(self.seconds))
    }
}

fn encode(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the signer says, within its time.
async fn in_time<T>(asked: impl Future<Output = std::result::Result<T, SigningError>>) -> Result<T> {
    let answer = timeout(PATIENCE, asked).await.map_err(|_| error::not_signed_in_time())?;
    answer.map_err(error::not_signed)
}
