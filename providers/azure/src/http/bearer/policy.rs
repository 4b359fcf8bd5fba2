//! The requests of Azure's own pipeline, with a token put on them on their way through it.

use std::sync::Arc;

use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};

use crate::config::identity::Tokens;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

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
        let (token, value) = super::of(&self.tokens, request.url()).await?;
        request.insert_header(AUTHORIZATION, HeaderValue::from(value));
        let answer = next[0].send(context, request, &next[1..]).await?;
        if answer.status() == StatusCode::Unauthorized {
            self.tokens.forget(&token);
        }
        Ok(answer)
    }
}
