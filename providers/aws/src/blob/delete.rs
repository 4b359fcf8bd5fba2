//! Deleting one object, and many.

use std::collections::HashMap;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures_util::{StreamExt, stream};
use skyport_core::blob::port::{Condition, Etag};
use skyport_core::{Error, ErrorKind, Result};

use super::key::send_on;
use super::{S3, refused};
use crate::error;

/// How many keys S3 takes in one request.
const BATCH: usize = 1_000;
/// So many requests at once.
const AT_ONCE: usize = 4;

/// What is to be deleted: an object, or one version of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Doomed {
    pub(super) key: String,
    pub(super) version: Option<String>,
}

impl From<String> for Doomed {
    fn from(key: String) -> Self {
        Self { key, version: None }
    }
}

impl S3 {
    pub(super) async fn delete_object(&self, key: &str, if_match: Option<&Etag>) -> Result<()> {
        let delete = self.client().await.delete_object().bucket(self.name());
        let delete = delete.set_if_match(if_match.map(refused::quoted));
        let sent = send_on!(key, delete);
        sent.map(drop).map_err(|error| {
            let condition = if_match.map_or(Condition::None, |etag| Condition::IfMatch(etag.clone()));
            refused::writing(error, &condition)
        })
    }

    /// One result each, in order.
    pub(super) async fn delete_all(&self, doomed: Vec<Doomed>) -> Vec<Result<()>> {
        let mut results: Vec<Option<Result<()>>> = doomed.iter().map(|_| None).collect();
        let places = |plain: bool| {
            let all = doomed.iter().enumerate();
            all.filter(move |(_, one)| is_plain(&one.key) == plain).map(|(at, _)| at).collect::<Vec<usize>>()
        };
        let (plain, odd) = (places(true), places(false));
        let doomed = &doomed;
        let batches: Vec<Vec<usize>> = plain.chunks(BATCH).map(<[usize]>::to_vec).collect();
        let batches = stream::iter(batches).map(|batch| async move {
            let answers = self.delete_batch(batch.iter().map(|at| &doomed[*at]).collect()).await;
            (batch, answers)
        });
        let mut batches = batches.buffer_unordered(AT_ONCE);
        while let Some((batch, answers)) = batches.next().await {
            for (at, answer) in batch.iter().zip(answers) {
                results[*at] = Some(answer);
            }
        }
        let singles = stream::iter(odd).map(|at| async move { (at, self.delete_one(&doomed[at]).await) });
        let mut singles = singles.buffer_unordered(AT_ONCE);
        while let Some((at, answer)) = singles.next().await {
            results[at] = Some(answer);
        }
        let forgotten = || Err(Error::internal("a key of a bulk deletion was never asked for"));
        results.into_iter().map(|result| result.unwrap_or_else(forgotten)).collect()
    }

    async fn delete_one(&self, one: &Doomed) -> Result<()> {
        let delete = self.client().await.delete_object().bucket(self.name());
        let delete = delete.set_version_id(one.version.clone());
        let sent = send_on!(&one.key, delete);
        sent.map(drop).map_err(error::of)
    }

    /// One request for at most [`BATCH`] objects.
    async fn delete_batch(&self, doomed: Vec<&Doomed>) -> Vec<Result<()>> {
        let objects = doomed
            .iter()
            .map(|one| ObjectIdentifier::builder().key(&one.key).set_version_id(one.version.clone()).build());
        let delete = objects.collect::<Result<Vec<_>, _>>().and_then(|objects| {
            // Quiet: only what failed is told.
            Delete::builder().set_objects(Some(objects)).quiet(true).build()
        });
        let delete = match delete {
            Ok(delete) => delete,
            Err(error) => {
                return error::unmade(error).of_each(doomed.len());
            }
        };
        let request = self.client().await.delete_objects().bucket(self.name()).delete(delete);
        let output = match Box::pin(request.send()).await {
            Ok(output) => output,
            Err(error) => return error::of(error).of_each(doomed.len()),
        };
        let mut failed = HashMap::new();
        for error in output.errors() {
            let Some(key) = error.key() else {
                let told = Error::new(ErrorKind::Malformed, "S3 tells of a failed deletion without its key");
                return told.of_each(doomed.len());
            };
            failed.insert(key, error);
        }
        doomed.iter().map(|one| failed.get(&*one.key).map_or(Ok(()), |failed| refusal(failed))).collect()
    }
}

/// What S3 says of one key.
fn refusal(failed: &aws_sdk_s3::types::Error) -> Result<()> {
    // The answer to the whole has a status, that to a key has none.
    let told = error::answered(failed.code(), failed.message(), 0);
    if told.kind() == ErrorKind::NotFound && failed.code() != Some("NoSuchBucket") {
        return Ok(());
    }
    Err(told)
}

/// Whether XML, in which many keys are sent at once, can carry a key; what others wrote may hold anything.
fn is_plain(key: &str) -> bool {
    key.chars().all(|c| matches!(c, ' '..='\u{fffd}' | '\u{10000}'..))
}
