//! A table of Table Storage, by its REST API: no SDK speaks to tables.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::Url;
use cold_axum::Outcome;
use serde_json::json;

const SCOPE: &str = "https://storage.azure.com/.default";

pub(crate) struct Table {
    client: reqwest::Client,
    url: Url,
    credential: Option<Arc<dyn TokenCredential>>,
}

impl Table {
    pub(crate) fn new(
        client: reqwest::Client,
        url: Url,
        credential: Option<Arc<dyn TokenCredential>>,
    ) -> Self {
        Self { client, url, credential }
    }

    /// Inserts or replaces. Keys of the shop have no quotes.
    pub(crate) async fn put(&self, key: &str, value: &str) -> Outcome {
        let mut url = self.url.clone();
        url.set_path(&format!("{}(PartitionKey='{key}',RowKey='')", self.url.path()));
        let mut call = self
            .client
            .put(url)
            .header("x-ms-version", "2020-12-06")
            .header("dataserviceversion", "3.0")
            .header("accept", "application/json;odata=minimalmetadata")
            .json(&json!({ "PartitionKey": key, "RowKey": "", "v": value }));
        if let Some(credential) = &self.credential {
            call = call.bearer_auth(credential.get_token(&[SCOPE], None).await?.token.secret());
        }
        call.send().await?.error_for_status()?;
        Ok(())
    }
}
