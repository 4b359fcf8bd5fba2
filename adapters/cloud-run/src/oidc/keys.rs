//! The keys that tokens are signed with: fetched once for many tokens, and never more often than the interval, whatever tokens come.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use rustls::crypto::ring::default_provider;
use serde::Deserialize;
use skyport_core::{Error, Result};
use tokio::time::Instant;

use super::Fault;

/// How long keys are good after they were fetched; Google changes them every few days, and shows the next one before.
const FRESH: Duration = Duration::from_secs(3_600);

/// How long they are used where they cannot be fetched anew.
const USABLE: Duration = Duration::from_secs(86_400);

/// The longest time for a fetch.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest list of keys in bytes, and the most keys.
const LARGEST: (usize, usize) = (256 << 10, 64);

/// A public key.
#[derive(Clone)]
pub(super) struct Key {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Key {
    /// Whether this key signed it.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }
}

type KeysById = HashMap<String, Arc<Key>>;

/// A fetch that several wait for.
type Fetching = Shared<BoxFuture<'static, ()>>;

/// The keys that are published at a place.
pub(super) struct Keys(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    url: String,
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: KeysById,
    fetched: Option<Instant>,
    /// When they were last asked for, with or without success.
    asked: Option<Instant>,
    fetching: Option<Fetching>,
}

/// What is to be done for a key.
enum Step {
    Take(Arc<Key>),
    Wait(Fetching),
    Fail(Fault),
}

impl Keys {
    /// Those at `url`, which are not asked for more often than `interval`. No I/O.
    ///
    /// # Errors
    /// `InvalidArgument` where the place is one that anybody could pretend to be.
    pub(super) fn new(url: &str, interval: Duration) -> Result<Self> {
        let parsed: http::Uri = url.parse().map_err(|_| unusable(url))?;
        let local = matches!(parsed.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if parsed.scheme_str() != Some("https") && !local {
            return Err(unusable(url));
        }
        let client = client(local)
            .map_err(|error| Error::internal("no HTTP client for the keys of tokens").with_source(error))?;
        let state = Mutex::default();
        Ok(Self(Arc::new(Inner { client, url: url.to_owned(), interval, state })))
    }

    /// The key of that id. The keys are fetched where it is unknown, or they are old.
    pub(super) async fn of(&self, id: &str) -> Result<Arc<Key>, Fault> {
        // A second look after a fetch of one's own or of another's; by then nothing is to be fetched.
        for _ in 0..2 {
            match self.0.step(id) {
                Step::Take(key) => return Ok(key),
                Step::Fail(fault) => return Err(fault),
                Step::Wait(fetching) => fetching.await,
            }
        }
        Err(Fault::Unchecked)
    }
}

impl Inner {
    fn step(self: &Arc<Self>, id: &str) -> Step {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let age = state.fetched.map(|fetched| fetched.elapsed());
        let known = state.keys.get(id).filter(|_| age.is_some_and(|age| age < USABLE));
        if let (Some(key), true) = (known, age.is_some_and(|age| age < FRESH)) {
            return Step::Take(Arc::clone(key));
        }
        // One that has ended is over, whatever became of it.
        if let Some(fetching) = state.fetching.as_ref().filter(|fetching| fetching.peek().is_none()) {
            return Step::Wait(fetching.clone());
        }
        let lately = state.asked.is_some_and(|asked| asked.elapsed() < self.interval);
        match (known, lately) {
            (Some(key), true) => Step::Take(Arc::clone(key)),
            // Who has no keys cannot say that this is none of them.
            (None, true) if age.is_some_and(|age| age < USABLE) => {
                Step::Fail(Fault::Unknown("its token is signed with a key that Google does not publish"))
            }
            (None, true) => Step::Fail(Fault::Unchecked),
            (_, false) => {
                let this = Arc::clone(self);
                // A task of its own: it ends also where nobody waits for it any more.
                let fetching = tokio::spawn(async move { this.fetch().await }).map(drop).boxed().shared();
                state.fetching = Some(fetching.clone());
                Step::Wait(fetching)
            }
        }
    }

    async fn fetch(&self) {
        let fetched = tokio::time::timeout(PATIENCE, self.ask()).await;
        let fetched = fetched.unwrap_or_else(|_| Err("it took too long".into()));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fetching = None;
        state.asked = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                state.keys = keys;
                state.fetched = state.asked;
            }
            Err(error) => tracing::warn!(%error, "the keys of Google's tokens could not be fetched"),
        }
    }

    async fn ask(&self) -> Result<KeysById, Box<dyn std::error::Error + Send + Sync>> {
        let mut response = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST.0 {
                return Err("the list of keys is too long".into());
            }
            body.extend_from_slice(&chunk);
        }
        let published: Published = serde_json::from_slice(&body)?;
        let keys: KeysById = published.keys.into_iter().take(LARGEST.1).filter_map(key).collect();
        if keys.is_empty() { Err("there is no key for RS256".into()) } else { Ok(keys) }
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

/// A key of those that are published; `None` for one of another sort.
fn key(jwk: serde_json::Value) -> Option<(String, Arc<Key>)> {
    let text = |name: &str| jwk[name].as_str();
    let fits = text("kty") == Some("RSA")
        && text("alg").is_none_or(|algorithm| algorithm == "RS256")
        && text("use").is_none_or(|purpose| purpose == "sig");
    let number = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let (id, n, e) = (text("kid")?.to_owned(), number("n")?, number("e")?);
    fits.then(|| (id, Arc::new(Key { n, e })))
}

/// With roots that come with the program, and ring. No proxy stands between a program and this machine.
fn client(local: bool) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none());
    let client = if local { client.no_proxy() } else { client };
    Ok(client.build()?)
}

fn unusable(url: &str) -> Error {
    Error::invalid(format!(
        "`{}` is no place for the keys of tokens: it takes an https URL",
        url.escape_debug()
    ))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("url", &self.0.url).finish_non_exhaustive()
    }
}
