//! Who signs in the tests: an account whose key was made for them, and opens nothing.

use google_cloud_auth::credentials::service_account::Builder;
use google_cloud_auth::signer::Signer;

/// The account's file, as Google hands it out.
pub(crate) const ACCOUNT: &str = include_str!("account.json");

pub(crate) fn signer() -> Signer {
    let account = serde_json::from_str(ACCOUNT).expect("JSON");
    Builder::new(account).build_signer().expect("a key")
}
