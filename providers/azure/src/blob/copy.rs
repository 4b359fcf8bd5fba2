//! Copying within an account.
//!
//! By Copy Blob, which within an account moves no bytes and is done when it answers, takes any size, and needs no permission beside those of
//! whoever calls. Put Blob From URL always is done when it answers, but ends at 5,000 MiB, and Azure fetches the source as anybody would: it
//! wants a signed URL or a token in a header.

use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_storage_blob::models::BlobClientStartCopyFromUrlOptions;
use skyport_core::blob::port::{Condition, CopyOptions, Etag, Written};
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};

use super::meta::{self, malformed};
use super::{Container, NAME, name, refused};

/// So long a copy is waited for that was not done at once.
const PATIENCE: Duration = Duration::from_secs(240);

/// The pauses between looks at such a copy.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Container {
    /// A copy bears a token of its own, and what is said of its metadata replaces all that the source has: so the source is looked
    /// at first, and the copy is bound to what was seen.
    pub(super) async fn copy_blob(&self, from: &str, to: &str, options: &CopyOptions) -> Result<Written> {
        let container = options.source_bucket.as_deref().unwrap_or(self.name());
        let url = name::of_source(&self.connection, container, from)?;
        // Nothing is written yet.
        let source = self.look_at(container, from).await;
        let source = source.map_err(|error| of_source(error, container).with_ambiguous(false))?;
        if options.source_if_match.as_ref().is_some_and(|asked| *asked != source.etag) {
            return Err(refused::changed());
        }
        self.info.limits.check_copy(source.size)?;
        let (if_match, if_none_match) = refused::of_write(&options.condition)?;
        let copy = BlobClientStartCopyFromUrlOptions {
            if_match,
            if_none_match,
            source_if_match: Some(refused::quoted(&source.etag)?),
            // Content type and the like come along by themselves.
            metadata: Some(meta::encode(&source.properties, options.token)),
            ..BlobClientStartCopyFromUrlOptions::default()
        };
        match Box::pin(self.blob(to)?.start_copy_from_url(url.into(), Some(copy))).await {
            Ok(answer) => self.copied(to, answer.headers()).await.map_err(|error| error.with_ambiguous(true)),
            Err(native) => Err(self.not_copied(native, from, container, &source.etag, options).await),
        }
    }

    /// Waits for a copy that was begun.
    async fn copied(&self, to: &str, begun: &Headers) -> Result<Written> {
        let (mut etag, until, mut pause) = (meta::etag(begun)?, Instant::now() + PATIENCE, PAUSE);
        let id = meta::text(begun, "x-ms-copy-id").map(str::to_owned);
        let mut status = state(begun)?;
        while status == State::Pending {
            if Instant::now() >= until {
                let text =
                    "Azure has not finished a copy for minutes, and still works at it: look for it later";
                return Err(Error::new(ErrorKind::Timeout, text).with_retryable(false).with_provider(NAME));
            }
            // Nobody tells when it is done.
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let seen = Box::pin(self.blob(to)?.get_properties(None)).await;
            let seen = seen.map_err(|error| refused::reading(error, to))?;
            if meta::text(seen.headers(), "x-ms-copy-id").map(str::to_owned) != id {
                let text = "the copy was replaced before it was done";
                return Err(Error::new(ErrorKind::Conflict, text).with_retryable(false).with_provider(NAME));
            }
            (status, etag) = (state(seen.headers())?, meta::etag(seen.headers())?);
        }
        match status {
            State::Done => Ok(Written::new(etag)),
            _ => {
                self.clear_away(to, &etag).await;
                let text =
                    "Azure gave up a copy in the middle, and what was there before is lost: copy it again";
                Err(Error::new(ErrorKind::Unavailable, text).with_provider(NAME))
            }
        }
    }

    /// Deletes the empty object that a copy has left which Azure gave up. Where that cannot be done it is refused by whoever reads it.
    async fn clear_away(&self, to: &str, etag: &Etag) {
        if let Err(error) = self.delete_blob(to, Some(etag)).await {
            tracing::warn!(%error, container = self.name(), "what a copy left that was given up is not deleted");
        }
    }

    /// Where something is missing or has changed, the source is looked at again: Azure may have meant it.
    async fn not_copied(
        &self,
        native: azure_core::Error,
        from: &str,
        container: &str,
        seen: &Etag,
        options: &CopyOptions,
    ) -> Error {
        let told = refused::writing(native, &options.condition);
        if !matches!(
            told.kind(),
            ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::PreconditionFailed
        ) {
            return told;
        }
        let of_target = options.condition != Condition::None || told.kind() == ErrorKind::NotFound;
        match self.look_at(container, from).await {
            Ok(now) if of_target && now.etag == *seen => told,
            Ok(_) if options.source_if_match.is_some() => refused::changed().with_source(told),
            Ok(_) => {
                let text = "the source was replaced while it was copied: copy it again";
                Error::new(ErrorKind::Conflict, text).with_provider(NAME).with_source(told)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => of_source(error, container),
            // Nobody knows better what Azure meant.
            Err(_) => told,
        }
    }
}

/// How far a copy has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Done,
    GivenUp,
}

fn state(headers: &Headers) -> Result<State> {
    match meta::text(headers, "x-ms-copy-status") {
        Some("success") => Ok(State::Done),
        Some("pending") => Ok(State::Pending),
        Some("failed" | "aborted") => Ok(State::GivenUp),
        _ => Err(malformed("Azure does not tell how far a copy has come")),
    }
}

/// An error of the source names its container.
fn of_source(error: Error, container: &str) -> Error {
    if error.kind() == ErrorKind::NotFound { error.with_resource(container) } else { error }
}
