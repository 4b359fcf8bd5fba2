//! Listing.

use std::cmp::Ordering;

use azure_core::http::{Method, UrlExt};
use skyport_core::Result;
use skyport_core::blob::port::{ListOptions, ListPage};
use skyport_core::refusal::Refusal;

use super::walk::{self, Batch, Source};
use super::{Container, name, order, page_xml, refused};
use crate::error;

/// The most that Azure puts on one page.
const MOST: usize = 5_000;

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
        let prefix = &*self.options.prefix;
        // Azure knows a start among the keys that it lists, and no other. A marker tells by itself where to go on.
        let is_past = start.is_some_and(|start| {
            !start.starts_with(prefix) && order::utf16(start, prefix) == Ordering::Greater
        });
        let start = start.filter(|start| marker.is_none() && start.starts_with(prefix));
        // Whether there is such a container is to be said all the same.
        let most = if is_past { 1 } else { most };
        let mut url = name::of_container(&self.store.connection, self.store.name())?;
        let mut query = url.query_builder();
        query.append_pair("restype", "container").append_pair("comp", "list");
        let asked = most.min(MOST);
        query.append_pair("maxresults", asked.to_string());
        for (name, value) in [
            ("prefix", Some(prefix)),
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
        let answer = Box::pin(self.store.connection.sender().send(&mut request, &[200])).await;
        // Nothing but the container can be missing.
        let answer = answer.map_err(|error| match refused::answer(&error).0 {
            404 => refused::as_refusal(Refusal::NoBucket, error),
            _ => error::of_azure(error),
        })?;
        if is_past {
            return Ok(Batch::default());
        }
        page_xml::read(&answer.into_body(), asked)
    }
}
