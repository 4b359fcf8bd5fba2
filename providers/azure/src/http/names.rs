//! Names of headers that are known beforehand: they need not be copied for each request and each answer.

use azure_core::http::headers::HeaderName;
use reqwest::header::{HeaderName as Sent, InvalidHeaderName};

/// In order. What is missing here is copied.
const KNOWN: [&str; 42] = [
    "accept",
    "accept-ranges",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "content-type",
    "dataserviceversion",
    "date",
    "etag",
    "if-match",
    "if-none-match",
    "last-modified",
    "maxdataserviceversion",
    "prefer",
    "preference-applied",
    "range",
    "user-agent",
    "x-content-type-options",
    "x-ms-access-tier",
    "x-ms-access-tier-inferred",
    "x-ms-blob-content-type",
    "x-ms-blob-type",
    "x-ms-client-request-id",
    "x-ms-content-crc64",
    "x-ms-creation-time",
    "x-ms-date",
    "x-ms-delete-snapshots",
    "x-ms-error-code",
    "x-ms-is-current-version",
    "x-ms-lease-state",
    "x-ms-lease-status",
    "x-ms-meta-skyport_w",
    "x-ms-popreceipt",
    "x-ms-request-id",
    "x-ms-request-server-encrypted",
    "x-ms-server-encrypted",
    "x-ms-time-next-visible",
    "x-ms-version",
];

fn known(name: &str) -> Option<&'static str> {
    KNOWN.binary_search(&name).ok().and_then(|at| KNOWN.get(at)).copied()
}

/// A name on its way out.
///
/// # Errors
/// For one that HTTP cannot say.
pub(super) fn sent(name: &str) -> Result<Sent, InvalidHeaderName> {
    match known(name) {
        Some(known) => Ok(Sent::from_static(known)),
        None => Sent::from_bytes(name.as_bytes()),
    }
}

/// A name that came.
pub(super) fn came(name: &Sent) -> HeaderName {
    match known(name.as_str()) {
        Some(known) => HeaderName::from_static(known),
        None => HeaderName::from(name.as_str().to_owned()),
    }
}

/// Whether a header tells of the connection, of the server's program, or what the request has said itself, and nothing of what was asked for.
pub(super) fn is_idle(name: &Sent) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "dataserviceversion"
            | "keep-alive"
            | "preference-applied"
            | "server"
            | "transfer-encoding"
            | "x-content-type-options"
            | "x-ms-client-request-id"
            | "x-ms-version"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_whether_it_is_known_or_not() {
        assert!(KNOWN.is_sorted());
        for name in KNOWN.iter().chain(&["x-ms-meta-colour"]) {
            let sent = sent(name).expect("a name");
            assert_eq!((sent.as_str(), came(&sent)), (*name, HeaderName::from((*name).to_owned())));
        }
        assert!(sent("a b").is_err());
    }
}
