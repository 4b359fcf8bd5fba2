//! Deleting one blob, and many.
//!
//! Azure takes 256 deletions in one request, as a body of that many requests, each with a signature of its own where the account's key signs,
//! and carries them out one after the other: as many single ones at once are as quick, and each has an answer of its own.

use azure_core::http::Method;
use azure_core::http::headers::{HeaderName, HeaderValue};
use futures_util::{StreamExt, stream};
use skyport_core::Result;
use skyport_core::blob::port::{Condition, Etag};

use super::{Container, refused};

/// So many requests at once.
const AT_ONCE: usize = 32;

impl Container {
    pub(super) async fn delete_blob(&self, key: &str, if_match: Option<&Etag>) -> Result<()> {
        let mut request = self.call_of(Method::Delete, key)?;
        refused::insert(&mut request, if_match.map(refused::quoted).transpose()?, None);
        // Others may have made some, and Azure deletes no blob without them.
        request.insert_header(
            HeaderName::from_static("x-ms-delete-snapshots"),
            HeaderValue::from_static("include"),
        );
        match Box::pin(self.connection.sender().send(&mut request, &[202])).await {
            Ok(_) => Ok(()),
            Err(error) => {
                if refused::answer(&error) == (404, "BlobNotFound") && if_match.is_none() {
                    return Ok(());
                }
                let condition = if_match.map_or(Condition::None, |etag| Condition::IfMatch(etag.clone()));
                Err(refused::writing(error, &condition))
            }
        }
    }

    /// One result each, in order.
    pub(super) async fn delete_all(&self, keys: Vec<String>) -> Vec<Result<()>> {
        let deletions = keys.into_iter().map(|key| async move { self.delete_blob(&key, None).await });
        stream::iter(deletions).buffered(AT_ONCE).collect().await
    }
}
