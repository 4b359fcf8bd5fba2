//! A write in parts: blocks that are staged, at once and in any order, and a list of them that is committed under the condition.
//!
//! Staged blocks are no part of the blob, which stays as it is until the list is committed. Nothing has to be given up: Azure drops what was
//! not committed after a week, or when another write of the blob is. So of two writers of one blob the one that commits first takes the
//! blocks from the other, who is told.

use std::fmt;

use async_trait::async_trait;
use azure_storage_blob::BlockBlobClient;
use azure_storage_blob::models::{BlockBlobClientCommitBlockListOptions, BlockLookupList};
use bytes::Bytes;
use skyport_core::blob::port::{Condition, PutOptions, Upload, Written};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result, Token};

use super::meta::{self, describe};
use super::{Container, NAME, refused};
use crate::error;

/// The blocks of one upload.
pub(super) struct Blocks {
    blob: BlockBlobClient,
    key: String,
    options: PutOptions,
    /// Tells the blocks of this upload from those of others: a call's token may be used for several.
    id: Token,
}

impl Blocks {
    /// Azure has nothing that begins an upload. So that a missing container, and a condition that does not hold, are told before a stream is sent,
    /// the blob is looked at; whoever may only write is told at the first block, and at the end.
    pub(super) async fn start(store: &Container, key: &str, options: PutOptions) -> Result<Self> {
        let there = match store.look_at(store.name(), key).await {
            Ok(meta) => Some(meta.etag),
            Err(error) if error.kind() == ErrorKind::NotFound && error.key().is_some() => None,
            // Who may not look, and what a copy left that is not done: Azure compares at the end.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Conflict) => {
                return Self::of(store, key, options);
            }
            Err(error) => return Err(error),
        };
        match &options.condition {
            Condition::IfAbsent if there.is_some() => Err(Error::from(Refusal::Exists).with_provider(NAME)),
            Condition::IfMatch(etag) if there.as_ref() != Some(etag) => Err(refused::changed()),
            _ => Self::of(store, key, options),
        }
    }

    fn of(store: &Container, key: &str, options: PutOptions) -> Result<Self> {
        let blob = store.blob(key)?.block_blob_client();
        Ok(Self { blob, key: key.to_owned(), options, id: Token::new() })
    }

    /// The name of a block: all of a blob's have the same length.
    fn block(&self, index: u32) -> Vec<u8> {
        format!("{}{index:08x}", self.id).into_bytes()
    }
}

#[async_trait]
impl Upload for Blocks {
    async fn put_part(&self, index: u32, bytes: Bytes) -> Result<()> {
        let (block, length) = (self.block(index), bytes.len() as u64);
        let sent = Box::pin(self.blob.stage_block(&block, length, bytes.into(), None)).await;
        sent.map(drop).map_err(|error| refused::writing(error, &Condition::None))
    }

    async fn complete(&self, parts: u32) -> Result<Written> {
        let condition = &self.options.condition;
        let (if_match, if_none_match) = refused::of_write(condition)?;
        let mut commit = BlockBlobClientCommitBlockListOptions {
            if_match,
            if_none_match,
            ..BlockBlobClientCommitBlockListOptions::default()
        };
        describe!(&mut commit, &self.options.properties, self.options.token);
        // Only what was never committed: so a list that is committed already is refused, and not committed again over what came after it.
        let list = BlockLookupList {
            uncommitted: Some((0..parts).map(|index| self.block(index)).collect()),
            ..BlockLookupList::default()
        };
        let list = list.try_into().map_err(|error| error::of_azure(error).with_ambiguous(false))?;
        let sent = Box::pin(self.blob.commit_block_list(list, Some(commit))).await;
        let answer = sent.map_err(|error| refused::writing(error, condition))?;
        let etag = meta::etag(answer.headers());
        Ok(Written::new(etag.map_err(|error| error.with_ambiguous(true))?))
    }

    /// Nothing to do: nobody sees what was staged, and Azure drops it.
    async fn abort(&self) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("key", &self.key).finish_non_exhaustive()
    }
}
