//! Requests that a token of Entra ID says who makes.

use std::sync::Arc;

use azure_core::credentials::AccessToken;
use azure_core::error::{Error, ErrorKind, Result};
use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode, Url};

use crate::config::identity::Tokens;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

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

/// Puts a token on each try. Azure's own policy keeps another token for each client, and lets callers wait for one another's failures in turn.
#[derive(Debug)]
pub(crate) struct Bearer {
    tokens: Arc<Tokens>,
}

impl Bearer {
    pub(crate) fn new(tokens: Arc<Tokens>) -> Self {
        Self { tokens }
    }
}

// Azure's trait leaves the lifetime out; said here, it would be another one.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl Policy for Bearer {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let (token, value) = of(&self.tokens, request.url()).await?;
        request.insert_header(AUTHORIZATION, HeaderValue::from(value));
        let answer = next[0].send(context, request, &next[1..]).await?;
        if answer.status() == StatusCode::Unauthorized {
            self.tokens.forget(&token);
        }
        Ok(answer)
    }
}
