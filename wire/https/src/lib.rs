//! The HTTPS client that Skyport's providers share: rustls with ring, and the roots that come with the program, so that an image
//! needs no CA certificates.

use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

/// How long a connection may take to come about.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The roots that come with the program: Mozilla's.
#[must_use]
pub fn roots() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

/// The process's own provider of cryptography, where the application chose one, else ring.
#[must_use]
pub fn cryptography() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()))
}

/// A client that trusts these roots: HTTP/1.1, because several connections carry more than the streams of one; it follows no redirect,
/// repeats nothing, and decodes nothing that is stored, whatever features others ask of the client for.
///
/// # Errors
/// What rustls says of the process's own provider of cryptography.
pub fn builder(roots: RootCertStore) -> Result<ClientBuilder, rustls::Error> {
    let config = ClientConfig::builder_with_provider(cryptography())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(ClientBuilder::new()
        .tls_backend_preconfigured(config)
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never()))
}
