//! Whose tokens calls carry, and how long they may take to come.
//!
//! Those of a machine of Google's come from its metadata server, asked here; all others are Google's own library's to get, whose clients
//! need certificates of the machine. Only of a service account's key it makes tokens without a client.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use google_cloud_auth::credentials::{Builder, CacheableResource, Credentials, EntityTag};
use http::{Extensions, HeaderMap};
use skyport_core::{Error, Result};
use tokio::time::timeout;

use super::{adc, machine, tls};
use crate::error;

/// How long a token may take. Google's own library tries for minutes.
const PATIENCE: Duration = Duration::from_secs(6);

/// Application Default Credentials, or those of the configuration.
pub(crate) enum Bearer {
    /// Those that Google's library gets.
    Library(Library),
    /// Those of the machine: the last token.
    Machine(Mutex<Option<machine::Token>>),
    /// None that can be used, and why.
    Unusable(Error),
}

/// Google's library, which keeps the token and renews it in time.
pub(crate) struct Library {
    credentials: Credentials,
    /// The headers of the last call, as long as the library says that they are good.
    last: Mutex<Option<(EntityTag, HeaderMap)>>,
}

impl Bearer {
    pub(super) fn new(given: Option<&Credentials>) -> Self {
        if let Some(credentials) = given {
            return Self::Library(Library::new(credentials.clone()));
        }
        let Some(path) = adc::path() else { return Self::Machine(Mutex::new(None)) };
        tls::install();
        // Without the machine's roots the library would panic, but for a key, of which it makes tokens without asking anybody.
        let has_key = adc::about(&path).is_some_and(|about| about.has_key());
        if let (false, Err(error)) = (has_key, reqwest::Client::builder().build()) {
            return Self::Unusable(error::no_certificates().with_source(error));
        }
        match Builder::default().build() {
            Ok(credentials) => Self::Library(Library::new(credentials)),
            Err(error) => Self::Unusable(unusable(&error.to_string())),
        }
    }

    /// The headers that say who calls.
    pub(super) async fn headers(&self) -> Result<HeaderMap> {
        match self {
            Self::Library(library) => library.headers().await,
            Self::Machine(last) => of_machine(last).await,
            Self::Unusable(error) => Err(error.again()),
        }
    }
}

impl Library {
    fn new(credentials: Credentials) -> Self {
        Self { credentials, last: Mutex::new(None) }
    }

    async fn headers(&self) -> Result<HeaderMap> {
        let mut extensions = Extensions::new();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((tag, _)) = &last {
            extensions.insert(tag.clone());
        }
        let asked = timeout(PATIENCE, self.credentials.headers(extensions)).await;
        match (asked.map_err(|_| error::no_token_in_time())?.map_err(error::no_token)?, last) {
            (CacheableResource::NotModified, Some((_, headers))) => Ok(headers),
            (CacheableResource::NotModified, None) => {
                Err(Error::internal("Google's credentials sent no headers"))
            }
            (CacheableResource::New { entity_tag, data }, _) => {
                let kept = Some((entity_tag, data.clone()));
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = kept;
                Ok(data)
            }
        }
    }
}

/// The machine's headers. Where the server fails for a moment, the last ones do as long as they are good.
async fn of_machine(last: &Mutex<Option<machine::Token>>) -> Result<HeaderMap> {
    let kept = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh()) {
        return Ok(kept.headers.clone());
    }
    match (machine::token().await, kept) {
        (Ok(token), _) => {
            let headers = token.headers.clone();
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
            Ok(headers)
        }
        (Err(_), Some(kept)) if kept.is_good() => Ok(kept.headers),
        (Err(error), _) => Err(error),
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").finish_non_exhaustive()
    }
}

/// Credentials that cannot be read. What is wrong with them is said by Google's library, which quotes no secret.
pub(super) fn unusable(why: &str) -> Error {
    error::unusable_credentials(why)
}
