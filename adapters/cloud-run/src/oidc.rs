//! The tokens of pushes and events: who sent them, and for whom. OpenID Connect, as Google signs it: RS256, and nothing else.

mod keys;
mod token;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use skyport_core::Result;
use skyport_core::http::{Response, problem};

use crate::config::PushIdentity;
use keys::Keys;
use token::Token;

/// Where Google publishes the keys that its tokens are signed with.
const GOOGLES_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// How soon after the last time the keys are asked for again, whatever tokens come meanwhile.
const INTERVAL: Duration = Duration::from_secs(30);

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// There is no token, or none that Google made and that is still good.
    Unknown(&'static str),
    /// It is somebody else's, or for somebody else.
    Other(&'static str),
    /// It cannot be checked for the moment.
    Unchecked,
}

/// Checks the tokens of requests.
#[derive(Debug)]
pub(crate) struct Verifier {
    identity: PushIdentity,
    keys: Keys,
}

impl Verifier {
    /// Of tokens for this identity. No I/O: the keys are fetched for the first token.
    pub(crate) fn new(identity: &PushIdentity) -> Result<Self> {
        let url = identity.keys_url.as_deref().unwrap_or(GOOGLES_KEYS);
        Ok(Self { keys: Keys::new(url, INTERVAL)?, identity: identity.clone() })
    }

    /// Lets the request in, or says why not. The response does not say what would have been right.
    pub(crate) async fn admit(&self, headers: &HeaderMap, id: &str) -> Result<(), Response> {
        let fault = match self.check(headers).await {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        tracing::warn!(%fault, "an event was not let in");
        let (status, detail) = match fault {
            Fault::Unknown(_) => {
                (StatusCode::UNAUTHORIZED, "an event needs a token of Google's in its header Authorization")
            }
            Fault::Other(_) => (StatusCode::FORBIDDEN, "the token is not of whoever may send events here"),
            Fault::Unchecked => {
                (StatusCode::SERVICE_UNAVAILABLE, "the token cannot be checked for the moment")
            }
        };
        let refused = problem::response(status, Some(detail), Some(id));
        Err(if status == StatusCode::UNAUTHORIZED {
            refused.with_header("www-authenticate", "Bearer")
        } else {
            refused
        })
    }

    async fn check(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Fault::Unknown("it has no header Authorization, or several"));
        };
        let value = value.to_str().unwrap_or_default();
        let (scheme, text) = value.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Fault::Unknown("its header Authorization holds no bearer token"));
        }
        let token = Token::read(text.trim())?;
        let key = self.keys.of(&token.key).await?;
        let claims = token.verified(&key)?;
        claims.check(&self.identity, SystemTime::now())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) | Self::Other(why) => f.write_str(why),
            Self::Unchecked => f.write_str("the keys of Google's tokens cannot be fetched"),
        }
    }
}

#[cfg(test)]
mod tests;
