//! The service account whose signatures the server knows.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

/// Made for these tests, and known to everybody.
const TEST_ONLY_KEY: &str = include_str!("test-only-key.pem");
const EMAIL: &str = "signer@skyport-tests.iam.gserviceaccount.com";

/// The key file of a service account that every server trusts, as Google's console hands one out.
///
/// It signs for nothing but these tests: its private key stands in the sources.
#[must_use]
pub fn service_account() -> Value {
    json!({
        "type": "service_account",
        "project_id": "skyport-tests",
        "private_key_id": "test-only",
        "private_key": TEST_ONLY_KEY,
        "client_email": EMAIL,
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    })
}

/// Who may sign, by email.
#[derive(Debug, Default)]
pub(crate) struct Accounts(BTreeMap<String, Vec<u8>>);

impl Accounts {
    /// Trusts an account by its key file. `None` where it is none.
    pub(crate) fn trust(&mut self, account: &Value) -> Option<()> {
        let email = account["client_email"].as_str()?;
        let pair = KeyPair::from_pkcs8(&der(account["private_key"].as_str()?)?).ok()?;
        self.0.insert(email.to_owned(), pair.public().as_ref().to_vec());
        Some(())
    }

    /// Whether this account signed these bytes; `None` where it is not known.
    pub(crate) fn signed(&self, email: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.get(email)?);
        Some(key.verify(message, signature).is_ok())
    }
}

/// The bytes of a private key in PEM.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_account_is_one_that_can_be_trusted() {
        let mut accounts = Accounts::default();
        accounts.trust(&service_account()).unwrap();
        assert_eq!(accounts.signed(EMAIL, b"x", &[0; 256]), Some(false));
        assert_eq!(accounts.signed("stranger", b"x", &[0; 256]), None);
        assert!(accounts.trust(&json!({ "client_email": "a", "private_key": "none" })).is_none());
    }
}
