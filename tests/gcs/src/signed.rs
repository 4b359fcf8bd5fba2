//! Signed URLs, version 4: held to their time, their headers and their signature.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};

use crate::account::Accounts;
use crate::checksum::hex;
use crate::error::{Failure, Result};
use crate::exchange::Request;
use crate::time::compact;

const ALGORITHM: &str = "GOOG4-RSA-SHA256";
/// The longest that one may be good for.
const LONGEST: u64 = 7 * 24 * 60 * 60;
/// So far may the signer's clock be ahead.
const SKEW: Duration = Duration::from_secs(15 * 60);
/// What RFC 3986 lets stand as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whether the request claims to be signed.
pub(crate) fn is_signed(request: &Request) -> bool {
    request.query.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("x-goog-"))
}

/// Whether the request has a signature that is good now.
pub(crate) fn verify(request: &Request, accounts: &Accounts, now: SystemTime) -> Result<()> {
    let parameter = |name: &str| request.parameter(name);
    let Some(algorithm) = parameter("X-Goog-Algorithm") else {
        let message = "Anonymous caller does not have access to the Google Cloud Storage object.";
        return Err(Failure::forbidden("AccessDenied", message));
    };
    if algorithm != ALGORITHM {
        return Err(malformed(format!("X-Goog-Algorithm must be {ALGORITHM}.")));
    }
    let needed = |name: &'static str| parameter(name).ok_or_else(|| malformed(format!("{name} is missing.")));
    let date = needed("X-Goog-Date")?;
    let credential = needed("X-Goog-Credential")?;
    let signed_headers = needed("X-Goog-SignedHeaders")?;
    let signature = needed("X-Goog-Signature")?;
    check_time(date, needed("X-Goog-Expires")?, now)?;
    let (email, scope) =
        credential.split_once('/').ok_or_else(|| malformed("X-Goog-Credential is no scope."))?;
    check_scope(scope, date)?;
    let canonical = canonical(request, signed_headers)?;
    let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let message = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
    let signature = unhex(signature).ok_or_else(|| malformed("X-Goog-Signature is not hexadecimal."))?;
    match accounts.signed(email, message.as_bytes(), &signature) {
        Some(true) => Ok(()),
        Some(false) => {
            let said = format!("Access denied. The server signed:\n{message}\nof:\n{canonical}");
            Err(Failure::forbidden("SignatureDoesNotMatch", said))
        }
        None => Err(Failure::forbidden("AccessDenied", format!("{email} is not known."))),
    }
}

fn malformed(message: impl Into<String>) -> Failure {
    Failure::new(400, "invalid", "AuthenticationQueryParametersError", message)
}

fn check_time(date: &str, expires: &str, now: SystemTime) -> Result<()> {
    let date =
        compact(date).ok_or_else(|| malformed("X-Goog-Date is not of the form YYYYMMDD'T'HHMMSS'Z'."))?;
    let expires = expires.parse::<u64>().ok().filter(|expires| (1..=LONGEST).contains(expires));
    let expires =
        expires.ok_or_else(|| malformed(format!("X-Goog-Expires is not between 1 and {LONGEST}.")))?;
    if date > now + SKEW {
        return Err(Failure::forbidden("RequestNotYetCurrent", "Request is not yet current."));
    }
    if now > date + Duration::from_secs(expires) {
        return Err(Failure::new(400, "expired", "ExpiredToken", "Request signature expired."));
    }
    Ok(())
}

/// `20261126/auto/storage/goog4_request`
fn check_scope(scope: &str, date: &str) -> Result<()> {
    let parts: Vec<&str> = scope.split('/').collect();
    match parts[..] {
        [day, _, "storage", "goog4_request"] if date.get(..8) == Some(day) => Ok(()),
        _ => Err(malformed("X-Goog-Credential's scope is not of its date and of Cloud Storage.")),
    }
}

/// What is signed of a request.
fn canonical(request: &Request, signed_headers: &str) -> Result<String> {
    let names: BTreeSet<&str> = signed_headers.split(';').collect();
    let in_order = names.iter().copied().collect::<Vec<_>>().join(";") == signed_headers;
    if !in_order || !names.contains("host") || signed_headers.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(malformed("X-Goog-SignedHeaders are not in order, not in lower case, or without host."));
    }
    for name in request.headers.keys().map(http::HeaderName::as_str) {
        if (name.starts_with("x-goog-") || name.starts_with("x-amz-")) && !names.contains(name) {
            let message = format!("The header {name} was sent and not signed.");
            return Err(Failure::forbidden("AccessDenied", message));
        }
    }
    let mut headers = String::new();
    for name in &names {
        let values: Vec<_> = request.headers.get_all(*name).iter().collect();
        if values.is_empty() {
            let message = format!("Header was included in signedheaders, but not in the request: {name}");
            return Err(Failure::new(400, "invalid", "MalformedSecurityHeader", message));
        }
        let folded = values.iter().map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        headers.push_str(&format!("{name}:{}\n", folded.collect::<Vec<_>>().join(",")));
    }
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let pairs = request.query.iter().filter(|(name, _)| name != "X-Goog-Signature");
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort_unstable();
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let payload = request.header("x-goog-content-sha256").unwrap_or("UNSIGNED-PAYLOAD".into());
    // A signature for GET is good for HEAD, too.
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    let (path, query) = (&request.path, query.join("&"));
    Ok(format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_over_or_not_yet_is_refused() {
        let now = compact("20261126T120000Z").unwrap();
        let code = |date, expires| check_time(date, expires, now).map_err(|failure| failure.status.as_u16());
        assert_eq!(code("20261126T115900Z", "61"), Ok(()));
        assert_eq!(code("20261126T115900Z", "59"), Err(400));
        assert_eq!(code("20261126T121600Z", "60"), Err(403));
        for expires in ["0", "-1", "604801", "x"] {
            assert_eq!(code("20261126T115900Z", expires), Err(400), "{expires}");
        }
        assert_eq!(code("2026-11-26T12:00:00Z", "60"), Err(400));
    }

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        for wrong in ["0", "zz", "+1", "é0"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
