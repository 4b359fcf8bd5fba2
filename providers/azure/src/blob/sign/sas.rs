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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn sas(content_type: Option<&str>) -> Sas<'_> {
        Sas {
            permissions: "cw",
            expires: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            resource: "/blob/acct/photos/a b/\u{fc}".to_owned(),
            https_only: true,
            content_type,
        }
    }

    fn key() -> AccountKey {
        AccountKey::read("c2VjcmV0").expect("a key")
    }

    /// The value of a parameter.
    fn parameter<'q>(query: &'q str, name: &str) -> &'q str {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default()
    }

    fn signature(text: &str) -> String {
        utf8_percent_encode(&key().sign(text), IN_QUERY).to_string()
    }

    fn delegated() -> DelegationKey {
        DelegationKey::of_test(
            key(),
            UNIX_EPOCH + Duration::from_secs(1_699_999_000),
            Duration::from_secs(86_400),
        )
    }

    // The fields are those of Microsoft's page "Create a service SAS", version 2020-12-06 and later.
    #[test]
    fn an_accounts_key_signs_the_sixteen_fields_that_azure_documents() {
        let query = sas(None).by_account_key(&key());
        let text = "cw\n\n2023-11-14T22:13:20Z\n/blob/acct/photos/a b/\u{fc}\n\n\nhttps\n2020-12-06\nb\n\n\n\n\n\n\n";
        assert_eq!(text.split('\n').count(), 16);
        assert_eq!(parameter(&query, "sig"), signature(text));
        assert!(
            query.starts_with("sv=2020-12-06&spr=https&se=2023-11-14T22%3A13%3A20Z&sr=b&sp=cw&sig="),
            "{query}"
        );
    }

    #[test]
    fn without_tls_the_protocol_is_not_bound() {
        let query = Sas { https_only: false, ..sas(None) }.by_account_key(&key());
        let text =
            "cw\n\n2023-11-14T22:13:20Z\n/blob/acct/photos/a b/\u{fc}\n\n\n\n2020-12-06\nb\n\n\n\n\n\n\n";
        assert_eq!((parameter(&query, "sig"), parameter(&query, "spr")), (&*signature(text), ""));
    }

    // "Create a user delegation SAS", version 2020-12-06.
    #[test]
    fn a_delegation_key_signs_the_twenty_four_fields_that_azure_documents() {
        let query = sas(None).by_delegation_key(&delegated());
        let text = "cw\n\n2023-11-14T22:13:20Z\n/blob/acct/photos/a b/\u{fc}\noid\ntid\n2023-11-14T21:56:40Z\n2023-11-15T21:56:40Z\nb\n2026-06-06\n\
                    \n\n\n\nhttps\n2020-12-06\nb\n\n\n\n\n\n\n";
        assert_eq!(text.split('\n').count(), 24);
        assert_eq!(parameter(&query, "sig"), signature(text));
        let named = "&skoid=oid&sktid=tid&skt=2023-11-14T21%3A56%3A40Z&ske=2023-11-15T21%3A56%3A40Z&sks=b&skv=2026-06-06&sig=";
        assert!(query.contains(named), "{query}");
    }

    // As Azure's own crate `azure_storage_sas` does it, version 2026-04-06.
    #[test]
    fn a_content_type_is_a_line_of_what_a_delegation_key_signs() {
        let query = sas(Some("text/plain")).by_delegation_key(&delegated());
        let text = "cw\n\n2023-11-14T22:13:20Z\n/blob/acct/photos/a b/\u{fc}\noid\ntid\n2023-11-14T21:56:40Z\n2023-11-15T21:56:40Z\nb\n2026-06-06\n\
                    \n\n\n\n\n\nhttps\n2026-04-06\nb\n\n\nx-ms-blob-content-type:text/plain\n\n\n\n\n\n\n";
        // The headers' field ends in a line's end of its own.
        assert_eq!(text.split('\n').count(), 28 + 1);
        assert_eq!(parameter(&query, "sig"), signature(text));
        assert_eq!((parameter(&query, "srh"), parameter(&query, "sv")), (BLOB_CONTENT_TYPE, "2026-04-06"));
    }
}
