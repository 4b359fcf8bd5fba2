//! Cases of the blob port, through [`Bucket`].

// A case fails by a panic, as a test does.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use skyport_core::blob::{Bucket, ListEntry};
use skyport_core::{Body, Error, ErrorKind, Result};

use crate::Context;

mod cancel;
mod concurrent;
mod conditions;
mod copy_delete;
mod events;
mod floors;
mod keys;
mod list;
mod list_model;
mod lost_answers;
mod missing;
mod properties;
mod read;
mod sign;
mod signed;
mod write;
mod writer;

pub(crate) fn cases() -> Vec<crate::Case> {
    [
        cancel::cases(),
        concurrent::cases(),
        conditions::cases(),
        copy_delete::cases(),
        events::cases(),
        floors::cases(),
        keys::cases(),
        list::cases(),
        list_model::cases(),
        lost_answers::cases(),
        missing::cases(),
        properties::cases(),
        read::cases(),
        sign::cases(),
        write::cases(),
        writer::cases(),
    ]
    .concat()
}

async fn bucket(cx: &Context) -> Result<Bucket> {
    Ok(Bucket::new(cx.bucket().await?))
}

/// The kind of the error; panics on a success.
#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(value) => panic!("expected an error, got {value:?}"),
        Err(error) => error.kind(),
    }
}

/// All keys, directories included, in the order of the listing.
async fn all_keys(bucket: &Bucket) -> Result<Vec<String>> {
    Ok(keys_of(&bucket.list().collect(100_000).await?))
}

fn keys_of(entries: &[ListEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.key().to_owned()).collect()
}

/// Bytes that differ from place to place.
fn pattern(len: usize) -> Bytes {
    (0..len).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}

/// A stream of unknown length that gives `bytes` in chunks of `chunk`.
fn streamed(bytes: &Bytes, chunk: usize) -> Body {
    Body::from_stream(stream::iter(chunks(bytes, chunk)))
}

/// As [`streamed`], but it fails in the end.
fn failing(bytes: &Bytes, chunk: usize) -> Body {
    let mut chunks = chunks(bytes, chunk);
    chunks.push(Err(Error::new(ErrorKind::Malformed, "the source broke")));
    Body::from_stream(stream::iter(chunks))
}

/// As [`streamed`], but it never ends.
fn endless(bytes: &Bytes, chunk: usize) -> Body {
    Body::from_stream(stream::iter(chunks(bytes, chunk)).chain(stream::pending()))
}

fn chunks(bytes: &Bytes, chunk: usize) -> Vec<Result<Bytes>> {
    let starts = (0..bytes.len()).step_by(chunk);
    starts.map(|at| Ok(bytes.slice(at..bytes.len().min(at + chunk)))).collect()
}

/// A bucket that was never created.
fn missing_bucket(cx: &Context) -> Result<Bucket> {
    let url = cx.fresh_url(&skyport_core::provider::ResourceKind::Bucket);
    let store = cx.provider().bucket(&url)?;
    Ok(Bucket::new(Arc::clone(&store)))
}
