//! Requests that a token of Entra ID says who makes.

use azure_core::credentials::AccessToken;
use azure_core::error::{Error, ErrorKind, Result};
use azure_core::http::Url;

use crate::config::identity::Tokens;

#[cfg(any(feature = "blob", feature = "queue"))]
pub(crate) use policy::Bearer;

#[cfg(any(feature = "blob", feature = "queue"))]
mod policy;

/// A token for a request to this URL, and what says it in a header.
pub(super) async fn of(tokens: &Tokens, url: &Url) -> Result<(AccessToken, String)> {
    if url.scheme() != "https" {
        return Err(Error::with_message(ErrorKind::Credential, "a token is never sent without TLS"));
    }
    let token = tokens.get().await;
    let token =
        token.map_err(|error| Error::with_error(ErrorKind::Credential, error, "there is no token"))?;
    let value = format!("Bearer {}", token.token.secret());
    Ok((token, value))
}
