//! Whose tokens calls carry, and how long they may take to come.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use google_cloud_auth::credentials::{Builder, CacheableResource, Credentials, EntityTag};
use http::{Extensions, HeaderMap};
use skyport_core::{Error, Result};
use tokio::time::timeout;

use super::tls;
use crate::error;

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a token may take. Google's own library tries for minutes.
const PATIENCE: Duration = Duration::from_secs(6);

/// Application Default Credentials, or those of the configuration. Google's library keeps the token and renews it in time.
pub(crate) struct Bearer {
    credentials: std::result::Result<Credentials, String>,
    /// The headers of the last call, as long as the library says that they are good.
    last: Mutex<Option<(EntityTag, HeaderMap)>>,
}

impl Bearer {
    pub(super) fn new(given: Option<&Credentials>) -> Self {
        let credentials = match given {
            Some(credentials) => Ok(credentials.clone()),
            None => {
                tls::install();
                Builder::default().build().map_err(|error| error.to_string())
            }
        };
        Self { credentials, last: Mutex::new(None) }
    }

    /// The headers that say who calls.
    pub(super) async fn headers(&self) -> Result<HeaderMap> {
        let credentials = self.credentials.as_ref().map_err(|error| unusable(error))?;
        let mut extensions = Extensions::new();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((tag, _)) = &last {
            extensions.insert(tag.clone());
        }
        let asked = timeout(PATIENCE, credentials.headers(extensions)).await;
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

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").finish_non_exhaustive()
    }
}

/// Credentials that cannot be read. What is wrong with them is said by Google's library, which quotes no secret.
pub(super) fn unusable(why: &str) -> Error {
    error::unusable_credentials(why)
}
