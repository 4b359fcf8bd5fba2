//! TLS, and the HTTP clients over it: ring, and the roots that come with the program. Only Google's library of credentials makes clients
//! of its own, which need the roots of the machine: so it is asked for nothing but what a file of credentials says.

use std::error::Error;
use std::sync::Arc;

use reqwest::ClientBuilder;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

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
    let client = builder(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))?;
    let client = if plain { client.no_proxy() } else { client };
    Ok(client.build()?)
}

/// A client that trusts nobody's certificate: for the metadata server, which has none.
pub(super) fn without() -> Result<reqwest::Client, Box<dyn Error + Send + Sync>> {
    Ok(builder(RootCertStore::empty())?.no_proxy().build()?)
}

fn builder(roots: RootCertStore) -> Result<ClientBuilder, rustls::Error> {
    let provider =
        CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(ClientBuilder::new()
        .tls_backend_preconfigured(config)
        // Several connections carry more than the streams of one.
        .http1_only()
        // Stored bytes are never decoded, whatever features others ask of the client for.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(super::credentials::CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never()))
}
