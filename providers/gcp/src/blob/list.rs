//! Listing.

use std::ops::Bound;

use http::StatusCode;
use serde::Deserialize;
use skyport_core::blob::port::{ListEntry, ListOptions, ListPage};
use skyport_core::refusal::Refusal;
use skyport_core::seek::{Barren, Listing};
use skyport_core::{Error, Result};

use super::Gcs;
use super::call::{Refused, malformed};
use super::meta;
use super::refused::as_refusal;
use crate::provision::NAME;

/// The most that Cloud Storage puts on one page.
const MOST: usize = 1_000;

/// A page as Cloud Storage tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    prefixes: Vec<String>,
    next_page_token: Option<String>,
}

/// What is asked of an object: no more, since a page has many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    generation: Option<String>,
    size: Option<String>,
    time_created: Option<String>,
}

impl Gcs {
    /// A page goes on after the last entry told rather than by Google's own token, which does not tell what listing it is of.
    pub(super) async fn page(&self, options: &ListOptions) -> Result<ListPage> {
        let listing = Listing::of(self.name(), options)?;
        let (start, skipped) = match listing.start() {
            None => {
                self.expect_bucket(self.name()).await?;
                return Ok(listing.page(Vec::new(), false));
            }
            Some(Bound::Included(start)) => (start, None),
            // Google begins with the start itself.
            Some(Bound::Excluded(start)) => (start.clone(), Some(start)),
            Some(Bound::Unbounded) => (String::new(), None),
        };
        let asked = (listing.size() + usize::from(skipped.is_some())).min(MOST).to_string();
        let (mut token, mut barren) = (None, Barren::default());
        loop {
            let list = self
                .on_objects()
                .query("maxResults", &asked)
                .maybe("startOffset", Some(start.as_str()).filter(|start| !start.is_empty()))
                .maybe("prefix", Some(options.prefix.as_str()).filter(|prefix| !prefix.is_empty()))
                .maybe("delimiter", options.delimiter.as_deref())
                .query("fields", "items(name,generation,size,timeCreated),prefixes,nextPageToken")
                .maybe("pageToken", token.as_deref());
            let page: Page = list.read().await.map_err(|refused| self.not_listed(refused))?;
            let next = page.next_page_token.clone().filter(|token| !token.is_empty());
            if next.is_some() && next == token {
                return Err(malformed(
                    "Cloud Storage's listing does not get on: it names the same page again. Is there a proxy between that keeps answers?",
                ));
            }
            token = next;
            let mut entries = entries(page)?;
            entries.retain(|entry| Some(entry.key()) != skipped.as_deref());
            // A page may have nothing on it, and yet be followed by another.
            if !entries.is_empty() || token.is_none() {
                let more = token.is_some() || entries.len() > listing.size();
                entries.truncate(listing.size());
                return Ok(listing.page(entries, more));
            }
            barren.answer(false).map_err(|error| error.with_provider(NAME))?;
        }
    }

    /// What a call on all that a bucket has failed with.
    pub(super) fn not_listed(&self, refused: Refused) -> Error {
        // Nothing but the bucket can be missing.
        if refused.is(StatusCode::NOT_FOUND) {
            return as_refusal(Refusal::NoBucket, refused.error);
        }
        refused.error
    }
}

/// Objects and directories in one order; Google tells each for itself.
fn entries(page: Page) -> Result<Vec<ListEntry>> {
    if page.items.len() + page.prefixes.len() > MOST + 1 {
        return Err(malformed("Cloud Storage lists more than was asked for"));
    }
    let mut entries = Vec::with_capacity(page.items.len() + page.prefixes.len());
    for item in page.items {
        let (size, etag, modified) = (
            meta::size(item.size.as_deref())?,
            meta::etag(item.generation.as_deref())?,
            meta::modified(item.time_created.as_deref())?,
        );
        entries.push(ListEntry::Object { key: item.name.into(), size, etag, modified });
    }
    let objects = entries.len();
    entries.extend(page.prefixes.into_iter().map(|name| ListEntry::Directory(name.into())));
    if objects > 0 && objects < entries.len() {
        entries.sort_by(|a, b| a.key().cmp(b.key()));
    }
    Ok(entries)
}
