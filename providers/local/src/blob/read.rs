//! Reading: the index, then the file; small objects at once, larger ones as a stream.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use skyport_core::blob::port::{GetOptions, GetResult, ObjectMeta};
use skyport_core::{Body, Result};

use super::objects;
use crate::engine::{Engine, blocking};
use crate::error::{Fault, Native};
use skyport_core::refusal::Refusal;

/// Up to this size a range comes in one go.
const WHOLE: u64 = 1 << 20;

/// The size of a stream's chunks.
const CHUNK: u64 = 1 << 20;

/// How often a reader that lost the race with a replacement looks again.
const LOOKS: u32 = 16;

/// Does something with an object's file. Where the file is gone because the object was replaced just now, looks again.
pub(super) fn at_content<T>(
    connection: &Connection,
    bucket: &str,
    key: &str,
    mut act: impl FnMut(&ObjectMeta, &str) -> std::result::Result<T, Fault>,
) -> std::result::Result<(ObjectMeta, T), Fault> {
    let mut last = None;
    for _ in 0..LOOKS {
        let object = objects::find(connection, bucket, key)?;
        if last.as_ref() == Some(&object.content) {
            // The index still names it: it was not replaced.
            break;
        }
        match act(&object.meta, &object.content) {
            Err(Fault::Io(error)) if error.kind() == ErrorKind::NotFound => last = Some(object.content),
            Err(fault) => return Err(fault),
            Ok(done) => return Ok((object.meta, done)),
        }
    }
    Err(Native::ContentGone.into())
}

enum Opened {
    NotModified,
    Whole((u64, u64), Bytes),
    Stream((u64, u64), Chunks),
}

pub(super) async fn get(
    engine: &Engine,
    bucket: &Arc<str>,
    key: &str,
    options: GetOptions,
) -> Result<GetResult> {
    let (bucket, key, contents) = (Arc::clone(bucket), key.to_owned(), engine.contents().clone());
    let (meta, opened) = engine
        .read(move |connection| {
            at_content(connection, &bucket, &key, |meta, id| {
                open(meta, contents.path(id).ok_or(Native::ContentGone)?, &options)
            })
        })
        .await?;
    let (range, body) = match opened {
        Opened::NotModified => return Ok(GetResult::NotModified),
        Opened::Whole(range, bytes) => (range, Body::from(bytes)),
        Opened::Stream(range, chunks) => (range, chunks.into_body()),
    };
    Ok(GetResult::Found { meta, range, body })
}

fn open(meta: &ObjectMeta, path: PathBuf, options: &GetOptions) -> std::result::Result<Opened, Fault> {
    if options.if_match.as_ref().is_some_and(|etag| *etag != meta.etag) {
        return Err(Refusal::Changed.into());
    }
    if options.if_none_match.as_ref() == Some(&meta.etag) {
        return Ok(Opened::NotModified);
    }
    let (start, end) = options.range.resolve(meta.size)?;
    let mut file = File::open(&path)?;
    if start > 0 {
        file.seek(SeekFrom::Start(start))?;
    }
    let mut chunks = Chunks { file, path, left: end - start };
    if chunks.left > WHOLE {
        return Ok(Opened::Stream((start, end), chunks));
    }
    let bytes = chunks.read(WHOLE)?;
    Ok(Opened::Whole((start, end), bytes))
}

/// An open file and how much of it is to come. It stays readable when the object is replaced or deleted.
struct Chunks {
    file: File,
    path: PathBuf,
    left: u64,
}

impl Chunks {
    fn read(&mut self, most: u64) -> std::result::Result<Bytes, Fault> {
        let size = self.left.min(most);
        let mut bytes = vec![0; size as usize];
        match self.file.read_exact(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Native::ContentGone.into()),
            other => other?,
        }
        self.left -= size;
        Ok(bytes.into())
    }

    fn into_body(self) -> Body {
        let len = self.left;
        let stream = futures_util::stream::try_unfold(self, |mut chunks| async move {
            if chunks.left == 0 {
                return Ok::<_, skyport_core::Error>(None);
            }
            let next = blocking(move || {
                let bytes = chunks.read(CHUNK).map_err(|fault| fault.at(&chunks.path))?;
                Ok((bytes, chunks))
            });
            next.await.map(Some)
        });
        Body::from_stream(stream).with_len(len)
    }
}
