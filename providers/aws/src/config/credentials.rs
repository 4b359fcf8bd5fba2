//! Credentials, which may take only so long.

use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

/// How long credentials may take. A little less than the SDK's own limit, of 6.2 seconds with these settings, which would
/// leave it open whether the request was sent.
const PATIENCE: Duration = Duration::from_secs(6);

/// Gives up on credentials that do not come, by an error that says so.
#[derive(Debug)]
pub(super) struct InTime(pub(super) SharedCredentialsProvider);

impl InTime {
    async fn ask(&self) -> provider::Result {
        let asked = tokio::time::timeout(PATIENCE, self.0.provide_credentials());
        asked.await.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(PATIENCE)))
    }
}

impl ProvideCredentials for InTime {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}
