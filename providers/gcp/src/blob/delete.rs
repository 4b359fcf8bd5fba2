//! Deleting one object, and many.
//!
//! Cloud Storage takes a hundred deletions in one request, as a body of a hundred requests, and carries them out one after the other: as
//! many single ones at once are as quick, and each has an answer of its own.

use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use skyport_core::blob::port::Etag;
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};
use tokio::sync::OnceCell;

use super::Gcs;
use super::read::is_unsayable;
use super::refused::{self, as_refusal};

/// So many requests at once.
const AT_ONCE: usize = 32;

/// What is to be deleted: an object, or one generation of it.
#[derive(Clone, Debug)]
pub(super) struct Doomed {
    pub(super) key: String,
    pub(super) generation: Option<String>,
}

impl From<String> for Doomed {
    fn from(key: String) -> Self {
        Self { key, generation: None }
    }
}

impl Gcs {
    pub(super) async fn delete_object(&self, key: &str, if_match: Option<&Etag>) -> Result<()> {
        let generation = if_match.map(refused::only).transpose()?;
        if is_unsayable(key) {
            self.expect_bucket(self.name()).await?;
            return if generation.is_some() { Err(Refusal::Changed.into()) } else { Ok(()) };
        }
        let delete = self.on_object(Method::DELETE, self.name(), key);
        let refused = match delete.maybe("ifGenerationMatch", generation.as_deref()).done().await {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        if !refused.is(StatusCode::NOT_FOUND) {
            return Err(refused::reading(refused));
        }
        self.expect_bucket(self.name()).await?;
        // Nothing is not what the condition names.
        if generation.is_some() { Err(as_refusal(Refusal::Changed, refused.error)) } else { Ok(()) }
    }

    /// One result each, in order.
    pub(super) async fn delete_all(&self, doomed: Vec<Doomed>) -> Vec<Result<()>> {
        // Asked for once, however many are missing.
        let bucket = OnceCell::new();
        let deletions = doomed.into_iter().map(|one| self.delete_one(one, &bucket));
        stream::iter(deletions).buffered(AT_ONCE).collect().await
    }

    async fn delete_one(&self, one: Doomed, bucket: &OnceCell<Option<Error>>) -> Result<()> {
        if !is_unsayable(&one.key) {
            let delete = self.on_object(Method::DELETE, self.name(), &one.key);
            match delete.maybe("generation", one.generation.as_deref()).done().await {
                Err(refused) if !refused.is(StatusCode::NOT_FOUND) => return Err(refused.error),
                Ok(()) => return Ok(()),
                Err(_) => {}
            }
        }
        let missing = bucket.get_or_init(async || self.expect_bucket(self.name()).await.err()).await;
        missing.as_ref().map_or(Ok(()), |error| Err(error.again()))
    }
}
