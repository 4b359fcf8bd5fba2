//! TLS, and the HTTP clients over it: ring, and the roots that come with the program. Only Google's library of credentials makes clients
//! of its own, which need the roots of the machine: so it is asked for nothing but what a file of credentials says.

use std::error::Error;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};

/// Makes ring the process's own provider of cryptography, unless the application chose one: Google's library of credentials,
/// and the clients that it makes for itself, take no other.
pub(crate) fn install() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may be quicker, which is as good.
        let _ = ring::default_provider().install_default();
    }
}

/// The client of Cloud Storage. No proxy stands between a program and its emulator.
#[cfg(feature = "blob")]
pub(super) fn http_client(plain: bool) -> Result<reqwest::Client, Box<dyn Error + Send + Sync>> {
    let client = skyport_https::builder(skyport_https::roots())?;
    let client = if plain { client.no_proxy() } else { client };
    Ok(client.build()?)
}

/// A client that trusts nobody's certificate: for the metadata server, which has none.
pub(super) fn without() -> Result<reqwest::Client, Box<dyn Error + Send + Sync>> {
    Ok(skyport_https::builder(RootCertStore::empty())?.no_proxy().build()?)
}
