//! Emptying a bucket that is to be removed.

use http::Method;
use serde::Deserialize;
use skyport_core::Result;

use super::Gcs;
use super::call::malformed;
use super::delete::Doomed;

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
            self.delete_all(doomed).await.into_iter().collect::<Result<Vec<()>>>()?;
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// A listing of this bucket.
    pub(super) fn on_objects(&self) -> super::Call<'_> {
        super::Call::new(&self.connection, Method::GET, super::API, &["b", self.name(), "o"])
    }
}
