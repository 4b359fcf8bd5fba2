//! Who calls an Azurite besides the account's key: whoever has a shared access signature, and an identity whose tokens nobody signed.

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

/// A part of a connection string.
pub(crate) fn part(said: &str, name: &str) -> Option<String> {
    let mut parts = said.split(';').filter_map(|part| part.split_once('='));
    parts.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// A shared access signature of the account, which the key of the connection string signs: for Blob, Queue and Table Storage, for all that
/// they have, and for whatever can be done with it.
pub(crate) fn account_sas(said: &str) -> Option<String> {
    const VERSION: &str = "2020-12-06";
    const PERMISSIONS: &str = "rwdlacup";
    const END: &str = "2099-01-01T00:00:00Z";
    let (account, key) = (part(said, "AccountName")?, part(said, "AccountKey")?);
    // Between permissions and the end: services, kinds of resources, and no start; then no addresses, any protocol, no scope of encryption.
    let text = format!("{account}\n{PERMISSIONS}\nbqt\nsco\n\n{END}\n\n\n{VERSION}\n\n");
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).expect("base64")).expect("any length");
    mac.update(text.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    Some(format!("?sv={VERSION}&ss=bqt&srt=sco&sp={PERMISSIONS}&se={END}&sig={signature}"))
}

/// An identity of no tenant, in whom Azurite believes as it does not look at signatures.
#[derive(Debug)]
pub(crate) struct FakeIdentity;

#[async_trait::async_trait]
impl TokenCredential for FakeIdentity {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://storage.azure.com/.default"]);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = serde_json::json!({
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
            "oid": "22222222-2222-2222-2222-222222222222",
            "tid": "11111111-1111-1111-1111-111111111111",
        });
        let encoded = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let head = serde_json::json!({ "alg": "none", "typ": "JWT" });
        let token = format!("{}.{}.c2lnbmF0dXJl", encoded(&head), encoded(&claims));
        let end = OffsetDateTime::from_unix_timestamp(now + 3600).expect("a time");
        Ok(AccessToken::new(token, end))
    }
}
