//! Emptying a bucket that is to be removed.

use http::Method;
use serde::Deserialize;
use skyport_core::Result;
use skyport_core::retry::RetryPolicy;

use super::Gcs;
use super::call::malformed;
use super::delete::Doomed;

/// How often a page is tried.
const ATTEMPTS: u32 = 5;

/// A page of all generations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<Generation>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Generation {
    name: Option<String>,
    generation: Option<String>,
}

impl Gcs {
    /// Deletes every generation of every object. Uploads that were not finished are no part of a bucket, and end by themselves.
    pub(crate) async fn empty(&self) -> Result<()> {
        let mut token = None;
        loop {
            let list = self.on_objects().query("versions", "true").query("maxResults", "1000");
            let list = list.query("fields", "items(name,generation),nextPageToken");
            let page: Page = list.maybe("pageToken", token.as_deref()).read().await?;
            let mut doomed = Vec::with_capacity(page.items.len());
            for item in page.items {
                let key =
                    item.name.ok_or_else(|| malformed("Cloud Storage lists an object without a name"))?;
                doomed.push(Doomed { key, generation: item.generation });
            }
            self.delete_stubborn(doomed).await?;
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Deletes a page; what fails for a moment is tried again by itself, since in a large bucket something always does.
    async fn delete_stubborn(&self, mut doomed: Vec<Doomed>) -> Result<()> {
        let policy = RetryPolicy::default();
        for attempt in 2.. {
            let results = self.delete_all(doomed.clone()).await;
            let mut failed = None;
            let mut left = Vec::new();
            for (one, result) in doomed.into_iter().zip(results) {
                let Err(error) = result else { continue };
                if !error.is_retryable() || attempt > ATTEMPTS {
                    return Err(error);
                }
                left.push(one);
                failed = Some(error);
            }
            let Some(error) = failed else { break };
            doomed = left;
            tokio::time::sleep(policy.delay(attempt, &error).min(policy.max_delay)).await;
        }
        Ok(())
    }

    /// A listing of this bucket.
    pub(super) fn on_objects(&self) -> super::Call<'_> {
        super::Call::new(&self.connection, Method::GET, super::API, &["b", self.name(), "o"])
    }
}
