//! Listing.

use azure_core::http::{Context, Method, UrlExt};
use azure_core::xml;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use skyport_core::Result;
use skyport_core::blob::port::{Etag, ListEntry, ListOptions, ListPage};
use skyport_core::refusal::Refusal;

use super::meta::{self, malformed};
use super::walk::{self, Batch, Source};
use super::{Container, name, refused};
use crate::error;

/// The most that Azure puts on one page.
const MOST: usize = 5_000;

/// A page as Azure tells it. Blobs and directories come among each other.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    blobs: Blobs,
    next_marker: Option<String>,
}

#[derive(Default, Deserialize)]
struct Blobs {
    #[serde(rename = "$value", default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
enum Item {
    Blob(Blob),
    BlobPrefix(Directory),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blob {
    name: Name,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directory {
    name: Name,
}

/// A name, percent-encoded where it has letters that XML has not.
#[derive(Deserialize)]
struct Name {
    #[serde(rename = "@Encoded", default)]
    encoded: bool,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "Content-Length")]
    size: Option<u64>,
    #[serde(rename = "Etag")]
    etag: Option<String>,
    #[serde(rename = "Last-Modified")]
    modified: Option<String>,
}

impl Container {
    pub(super) async fn page(&self, options: &ListOptions) -> Result<ListPage> {
        walk::page(&Listed { store: self, options }, self.name(), options).await
    }
}

/// A listing, as Azure tells it.
struct Listed<'l> {
    store: &'l Container,
    options: &'l ListOptions,
}

impl Source for Listed<'_> {
    async fn batch(&self, start: Option<&str>, marker: Option<&str>, most: usize) -> Result<Batch> {
        let mut url = name::of_container(&self.store.connection, self.store.name())?;
        let mut query = url.query_builder();
        query.append_pair("restype", "container").append_pair("comp", "list");
        query.append_pair("maxresults", most.min(MOST).to_string());
        for (name, value) in [
            ("prefix", Some(&*self.options.prefix)),
            ("delimiter", self.options.delimiter.as_deref()),
            ("startFrom", start),
            ("marker", marker),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.append_pair(name, value.to_owned());
            }
        }
        query.build();
        let mut request = self.store.call(Method::Get, url);
        let answer = Box::pin(self.store.calls.send(&Context::new(), &mut request, None)).await;
        // Nothing but the container can be missing.
        let answer = answer.map_err(|error| match refused::answer(&error).0 {
            404 => refused::as_refusal(Refusal::NoBucket, error),
            _ => error::of_azure(error),
        })?;
        // What the parser says holds the whole answer: it is not told on.
        let page: Page = xml::from_xml(answer.into_body())
            .map_err(|_| malformed("Azure's listing is not the XML that was asked for"))?;
        if page.blobs.items.len() > most {
            return Err(malformed("Azure lists more than was asked for"));
        }
        let marker = page.next_marker.filter(|marker| !marker.is_empty());
        Ok(Batch { entries: entries(page.blobs.items)?, marker })
    }
}

/// Blobs and directories, as they came.
fn entries(items: Vec<Item>) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        entries.push(match item {
            Item::Blob(blob) => {
                let untold = || malformed("Azure lists a blob without its size, etag or time");
                ListEntry::Object {
                    key: text(blob.name)?.into(),
                    size: blob.properties.size.ok_or_else(untold)?,
                    etag: blob.properties.etag.as_deref().map(Etag::new).ok_or_else(untold)?,
                    modified: blob.properties.modified.as_deref().and_then(meta::time).ok_or_else(untold)?,
                }
            }
            Item::BlobPrefix(directory) => ListEntry::Directory(text(directory.name)?.into()),
            Item::Other => continue,
        });
    }
    Ok(entries)
}

/// A name as it is.
fn text(name: Name) -> Result<String> {
    if !name.encoded {
        return Ok(name.text);
    }
    let decoded = percent_decode_str(&name.text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| malformed("Azure lists a blob whose name is not UTF-8"))
}
