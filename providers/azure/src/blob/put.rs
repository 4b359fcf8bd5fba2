//! Writing a whole blob: one Put Blob.

use std::num::NonZero;

use azure_storage_blob::models::BlobClientUploadOptions;
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{PutOptions, Written};

use super::meta::{self, describe};
use super::{Container, refused};

impl Container {
    pub(super) async fn put_blob(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let (if_match, if_none_match) = refused::of_write(&options.condition)?;
        let mut upload = BlobClientUploadOptions {
            if_match,
            if_none_match,
            // Never in parts: those are not one write.
            partition_size: Some(NonZero::<u64>::MAX),
            ..BlobClientUploadOptions::default()
        };
        describe!(&mut upload, &options.properties, options.token);
        let sent = Box::pin(self.blob(key)?.upload(body.into(), Some(upload))).await;
        let answer = sent.map_err(|error| refused::writing(error, &options.condition))?;
        // What cannot be read of a success has happened all the same.
        let etag = meta::etag(answer.raw_response.headers());
        Ok(Written::new(etag.map_err(|error| error.with_ambiguous(true))?))
    }
}
