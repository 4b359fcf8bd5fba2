//! Where each service is: Google's own endpoint, or an emulator's.

use skyport_core::{Error, Result};

use super::GcpConfig;

/// A service of Google Cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Cloud Storage.
    Storage,
    /// Pub/Sub.
    PubSub,
    /// Firestore.
    Firestore,
}

impl Service {
    /// Google's own endpoint.
    fn endpoint(self) -> &'static str {
        match self {
            Self::Storage => "https://storage.googleapis.com",
            Self::PubSub => "https://pubsub.googleapis.com",
            Self::Firestore => "https://firestore.googleapis.com",
        }
    }

    /// The variable that every client of Google's takes an emulator from.
    fn emulator(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE_EMULATOR_HOST",
            Self::PubSub => "PUBSUB_EMULATOR_HOST",
            Self::Firestore => "FIRESTORE_EMULATOR_HOST",
        }
    }

    fn configured(self, config: &GcpConfig) -> Option<&str> {
        match self {
            Self::Storage => config.storage_endpoint.as_deref(),
            Self::PubSub => config.pubsub_endpoint.as_deref(),
            Self::Firestore => config.firestore_endpoint.as_deref(),
        }
    }
}

/// A base of URLs, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    pub(crate) fn base(&self) -> &str {
        &self.0
    }

    /// Without TLS: then it is an emulator, and no credentials are sent there.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.starts_with("http://")
    }
}

/// The endpoint: the URL's, the configuration's, the emulator of the environment, or Google's own.
pub(super) fn of(service: Service, of_url: Option<&str>, config: &GcpConfig) -> Result<Endpoint> {
    let chosen = of_url.or_else(|| service.configured(config));
    match chosen {
        Some(text) => read(text, "the endpoint"),
        None => match std::env::var(service.emulator()).ok().filter(|host| !host.is_empty()) {
            Some(host) => read(&host, service.emulator()),
            None => Ok(Endpoint(service.endpoint().to_owned())),
        },
    }
}

/// `host:port`, as the emulators' variables have it, or with a scheme.
fn read(text: &str, of: &str) -> Result<Endpoint> {
    let base = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let base = base.trim_end_matches('/');
    let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
    match host.map(|host| host.parse::<http::uri::Authority>()) {
        Some(Ok(authority)) if !authority.as_str().contains('@') => Ok(Endpoint(base.to_owned())),
        _ => Err(Error::invalid(format!(
            "{of} must be `host:port`, or begin with `http://` or `https://` and have no path"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_as_googles_emulators_write_it() {
        for (text, base, plain) in [
            ("127.0.0.1:8085", "http://127.0.0.1:8085", true),
            ("[::1]:8085", "http://[::1]:8085", true),
            ("http://127.0.0.2/", "http://127.0.0.2", true),
            ("https://storage.example", "https://storage.example", false),
        ] {
            let endpoint = read(text, "x").expect(text);
            assert_eq!((endpoint.base(), endpoint.is_plain()), (base, plain));
        }
        for bad in ["", "ftp://x", "http://", "http://user:secret@host", "http://a b", "host/path"] {
            let error = read(bad, "PUBSUB_EMULATOR_HOST").expect_err(bad);
            assert!(error.message().contains("PUBSUB_EMULATOR_HOST") && !error.message().contains("secret"));
        }
    }

    #[test]
    fn a_url_wins_over_the_configuration() {
        let config = GcpConfig { pubsub_endpoint: Some("configured:1".to_owned()), ..GcpConfig::default() };
        let of = |url, service| of(service, url, &config).expect("an endpoint");
        assert_eq!(of(Some("said:2"), Service::PubSub).base(), "http://said:2");
        assert_eq!(of(None, Service::PubSub).base(), "http://configured:1");
    }
}
