//! Who calls with a token, as the environment says.

use std::sync::Arc;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::ClientOptions;
use azure_identity::{DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions};
use tokio::sync::OnceCell;

use crate::http::Transport;

/// Whoever the environment names; looked up at the first call.
pub(super) fn of_environment(transport: Arc<Transport>) -> Arc<dyn TokenCredential> {
    Arc::new(Identity { transport, found: OnceCell::new() })
}

#[derive(Debug)]
struct Identity {
    transport: Arc<Transport>,
    found: OnceCell<Arc<dyn TokenCredential>>,
}

#[async_trait::async_trait]
impl TokenCredential for Identity {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let find = async || self.find();
        let found = self.found.get_or_try_init(find).await?;
        found.get_token(scopes, options).await
    }
}

impl Identity {
    fn find(&self) -> azure_core::Result<Arc<dyn TokenCredential>> {
        if super::variables::of_process("IDENTITY_ENDPOINT").is_some() {
            let client_options = ClientOptions { ..crate::http::options(Arc::clone(&self.transport), None) };
            let options = ManagedIdentityCredentialOptions { client_options, ..Default::default() };
            return Ok(ManagedIdentityCredential::new(Some(options))?);
        }
        Ok(DeveloperToolsCredential::new(None)?)
    }
}
