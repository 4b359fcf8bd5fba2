//! TLS, and the HTTP client over it: ring, and the roots that come with the program, so that an image without certificates works.

#[cfg(feature = "blob")]
use std::sync::Arc;

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
pub(super) fn http_client(plain: bool) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    let provider =
        CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        // Several connections carry more than the streams of one.
        .http1_only()
        // Stored bytes are never decoded.
        .no_gzip()
        .connect_timeout(super::credentials::CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    let client = if plain { client.no_proxy() } else { client };
    Ok(client.build()?)
}
