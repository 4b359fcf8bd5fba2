//! Copying, within a bucket or from another one.

use http::{Method, StatusCode};
use serde::Deserialize;
use skyport_core::blob::port::{Condition, CopyOptions, Etag, Written};
use skyport_core::refusal::Refusal;
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Result};

use super::call::{Call, Refused, malformed};
use super::meta::Resource;
use super::refused::{self, as_refusal};
use super::{API, Gcs, NAME};

/// How often in a row a call is repeated that goes on with a copy.
const RETRIES: u32 = 3;

/// How far a copy has come.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    #[serde(default)]
    done: bool,
    rewrite_token: Option<String>,
    resource: Option<Resource>,
}

impl Gcs {
    /// A copy bears a token of its own, and what is said of its metadata replaces all that the source has: so the source is looked
    /// at first, and the copy is bound to what was seen.
    pub(super) async fn copy_object(&self, from: &str, to: &str, options: &CopyOptions) -> Result<Written> {
        let bucket = options.source_bucket.as_deref().unwrap_or(self.name());
        let condition = refused::if_generation_match(&options.condition)?;
        let seen = self.look_at(bucket, from, &[]).await.map_err(|error| of_source(error, bucket))?;
        let (etag, size) = (seen.etag()?, seen.size()?);
        if options.source_if_match.as_ref().is_some_and(|asked| *asked != etag) {
            return Err(Error::from(Refusal::Changed).with_provider(NAME));
        }
        self.info.limits.check_copy(size)?;
        let described = seen.copied(options.token);
        let (mut token, mut failures, mut lost) = (None, 0, false);
        loop {
            let rewrite = self
                .rewrite((bucket, from), to)
                .query("ifSourceGenerationMatch", etag.as_str())
                .maybe("ifGenerationMatch", condition.as_deref())
                .query("fields", "done,rewriteToken,resource(generation)")
                .maybe("rewriteToken", token.as_deref())
                .json(&described);
            let progress: Progress = match rewrite.read().await {
                Ok(progress) => progress,
                // What is copied so far would be copied again by whoever calls this once more.
                Err(Refused { error, .. })
                    if token.is_some() && error.is_retryable() && failures < RETRIES =>
                {
                    failures += 1;
                    lost |= error.is_ambiguous();
                    let policy = RetryPolicy::default();
                    tokio::time::sleep(policy.delay(failures + 1, &error).min(policy.max_delay)).await;
                    continue;
                }
                Err(refused) => {
                    let error = self.not_copied(refused, from, bucket, &etag, options).await;
                    return Err(if lost { error.with_ambiguous(true) } else { error });
                }
            };
            failures = 0;
            if progress.done {
                let written = progress
                    .resource
                    .ok_or_else(|| malformed("Cloud Storage tells of no copy").with_ambiguous(true))?;
                return Ok(Written::new(written.etag().map_err(|error| error.with_ambiguous(true))?));
            }
            // Another place, and so large that it takes several calls.
            token = Some(progress.rewrite_token.ok_or_else(|| {
                malformed("Cloud Storage has not copied all, and does not say how to go on")
            })?);
        }
    }

    fn rewrite<'c>(&'c self, source: (&str, &str), to: &str) -> Call<'c> {
        let segments = ["b", source.0, "o", source.1, "rewriteTo", "b", self.name(), "o", to];
        Call::new(&self.connection, Method::POST, API, &segments)
    }

    /// Cloud Storage refuses alike where the source changed and where the target does not meet its condition, or is in no
    /// bucket: the source is looked at again.
    async fn not_copied(
        &self,
        refused: Refused,
        from: &str,
        bucket: &str,
        seen: &Etag,
        options: &CopyOptions,
    ) -> Error {
        let missing = refused.is(StatusCode::NOT_FOUND);
        if !missing && !refused.is(StatusCode::PRECONDITION_FAILED) {
            return refused.error;
        }
        let of_target = options.condition != Condition::None || missing;
        let told = refused::writing(refused, &options.condition);
        match self.look_at(bucket, from, &[]).await.and_then(|now| now.etag()) {
            Ok(now) if of_target && now == *seen => told,
            Ok(_) if options.source_if_match.is_some() => as_refusal(Refusal::Changed, told),
            Ok(_) => {
                let text = "the source was replaced while it was copied: copy it again";
                Error::new(ErrorKind::Conflict, text).with_provider(NAME).with_source(told)
            }
            Err(error) => of_source(error, bucket),
        }
    }
}

/// An error of looking at the source, which changes nothing: where it is missing, its bucket is named.
fn of_source(error: Error, bucket: &str) -> Error {
    let error = error.with_ambiguous(false);
    if error.kind() == ErrorKind::NotFound { error.with_resource(bucket) } else { error }
}
