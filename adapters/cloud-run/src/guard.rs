//! Whose pushes and events are taken.

use http::HeaderMap;
use skyport_core::Result;
use skyport_core::http::Response;

use crate::config::PushIdentity;

/// Looks at the tokens of pushes and events, where that is asked for.
#[derive(Debug)]
pub(crate) struct Guard {
    #[cfg(feature = "oidc")]
    verifier: Option<crate::oidc::Verifier>,
}

impl Guard {
    /// Of whoever is named; of anybody where nobody is.
    ///
    /// # Errors
    /// `Unsupported` without the feature `oidc`.
    #[cfg(feature = "oidc")]
    pub(crate) fn new(identity: Option<&PushIdentity>) -> Result<Self> {
        Ok(Self { verifier: identity.map(crate::oidc::Verifier::new).transpose()? })
    }

    /// Of anybody.
    ///
    /// # Errors
    /// `Unsupported` where somebody is named.
    #[cfg(not(feature = "oidc"))]
    pub(crate) fn new(identity: Option<&PushIdentity>) -> Result<Self> {
        match identity {
            None => Ok(Self {}),
            Some(_) => Err(skyport_core::Error::unsupported(
                "SKYPORT_PUSH_AUDIENCE asks for a check of the tokens of pushes, and the Cloud Run adapter was built without the \
                 feature `oidc`: add it, or leave the check to Cloud Run and take the variable away",
            )),
        }
    }

    /// Lets a push or an event in, or says why not.
    #[cfg(feature = "oidc")]
    pub(crate) async fn admit(&self, headers: &HeaderMap, id: &str) -> Result<(), Response> {
        match &self.verifier {
            None => Ok(()),
            Some(verifier) => verifier.admit(headers, id).await,
        }
    }

    /// Lets everybody in.
    #[cfg(not(feature = "oidc"))]
    #[allow(clippy::unused_async)]
    pub(crate) async fn admit(&self, _: &HeaderMap, _: &str) -> Result<(), Response> {
        Ok(())
    }
}
