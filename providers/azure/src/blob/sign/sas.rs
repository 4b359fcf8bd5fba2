//! The text that is signed, and the query that says it.

use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::clock::Utc;

use super::BLOB_CONTENT_TYPE;
use super::delegation::DelegationKey;
use crate::http::shared_key::AccountKey;

/// The version of signatures that the account's key makes. A later one says nothing that is needed here.
const VERSION: &str = "2020-12-06";

/// That of a delegation key's, where a header of the request is a part of what is signed.
const VERSION_WITH_HEADERS: &str = "2026-04-06";

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a signature permits.
pub(super) struct Sas<'s> {
    pub(super) permissions: &'static str,
    /// Of whole seconds.
    pub(super) expires: SystemTime,
    /// The blob as it is called in signatures; its key as it is, not encoded.
    pub(super) resource: String,
    pub(super) https_only: bool,
    /// What a client must send as the blob's content type. An account's key cannot sign that.
    pub(super) content_type: Option<&'s str>,
}

impl Sas<'_> {
    /// The query of a request that the account's key signs.
    pub(super) fn by_account_key(&self, key: &AccountKey) -> String {
        let (expires, resource) = (iso(self.expires), &*self.resource);
        // Between them: start, policy, addresses, snapshot, scope of encryption, and five headers of the answer.
        let fields = [
            self.permissions,
            "",
            &expires,
            resource,
            "",
            "",
            self.protocol(),
            VERSION,
            "b",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        self.query(VERSION, &expires, &[], &key.sign(&fields.join("\n")))
    }

    /// The query of a request that a delegation key signs.
    pub(super) fn by_delegation_key(&self, key: &DelegationKey) -> String {
        let (expires, resource) = (iso(self.expires), &*self.resource);
        let (starts, ends) = (iso(key.starts), iso(key.expires));
        let version = if self.content_type.is_some() { VERSION_WITH_HEADERS } else { VERSION };
        let mut fields = vec![self.permissions, "", &expires, resource];
        fields.extend([&*key.object, &key.tenant, &starts, &ends, &key.service, &key.version]);
        // Two kinds of users, and what correlates.
        fields.extend(["", "", ""]);
        let bound = self.content_type.map(|content_type| format!("{BLOB_CONTENT_TYPE}:{content_type}\n"));
        if bound.is_some() {
            // The user to whom the key is delegated.
            fields.extend(["", ""]);
        }
        // Addresses before the protocol, snapshot and scope of encryption after the resource.
        fields.extend(["", self.protocol(), version, "b", "", ""]);
        if let Some(headers) = &bound {
            // And no parameter of the query.
            fields.extend([&**headers, ""]);
        }
        // Five headers of the answer.
        fields.extend(["", "", "", "", ""]);
        let signature = key.key.sign(&fields.join("\n"));
        let mut named = vec![
            ("skoid", &*key.object),
            ("sktid", &key.tenant),
            ("skt", &starts),
            ("ske", &ends),
            ("sks", &key.service),
            ("skv", &key.version),
        ];
        if bound.is_some() {
            named.push(("srh", BLOB_CONTENT_TYPE));
        }
        self.query(version, &expires, &named, &signature)
    }

    fn protocol(&self) -> &'static str {
        if self.https_only { "https" } else { "" }
    }

    fn query(&self, version: &str, expires: &str, more: &[(&str, &str)], signature: &str) -> String {
        let mut pairs = vec![("sv", version)];
        if self.https_only {
            pairs.push(("spr", self.protocol()));
        }
        pairs.extend([("se", expires), ("sr", "b"), ("sp", self.permissions)]);
        pairs.extend(more);
        pairs.push(("sig", signature));
        let encoded =
            pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, IN_QUERY)));
        encoded.collect::<Vec<_>>().join("&")
    }
}

/// As signatures say times.
pub(super) fn iso(time: SystemTime) -> String {
    let Utc { year, month, day, hour, minute, second, .. } = Utc::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
