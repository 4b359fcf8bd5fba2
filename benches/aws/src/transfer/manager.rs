//! The SDK's own transfer manager, on its own threads, as its documentation advises.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3_transfer_manager::io::{InputStream, PartData, PartStream, SizeHint, StreamContext};
use aws_sdk_s3_transfer_manager::types::{ConcurrencyMode, PartSize};
use aws_sdk_s3_transfer_manager::{Client, Config};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use skyport_measure::Outcome;

use super::{AT_ONCE, Job, PART, timed};

async fn open(job: &Job) -> Client {
    let s3 = aws_sdk_s3::config::Builder::from(&job.place().raw().await).force_path_style(true);
    let config = Config::builder()
        .s3_config(s3)
        .part_size(PartSize::Target(PART as u64))
        .concurrency(ConcurrencyMode::Explicit(AT_ONCE));
    Client::new(config.build())
}

/// Parts of the source, filled as by hand.
struct Parts {
    source: Pin<Box<dyn Stream<Item = Bytes> + Send + Sync>>,
    part: BytesMut,
    number: u64,
    bytes: u64,
}

impl PartStream for Parts {
    fn poll_part(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stream: &StreamContext,
    ) -> Poll<Option<std::io::Result<PartData>>> {
        loop {
            let chunk = ready!(self.source.poll_next_unpin(cx));
            let ended = chunk.is_none();
            self.part.extend_from_slice(&chunk.unwrap_or_default());
            if self.part.is_empty() {
                return Poll::Ready(None);
            }
            if ended || self.part.len() >= stream.part_size() {
                self.number += 1;
                let part = std::mem::replace(&mut self.part, BytesMut::with_capacity(PART));
                return Poll::Ready(Some(Ok(PartData::new(self.number, part.freeze()))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::exact(self.bytes)
    }
}

pub(super) async fn upload(job: &Job) -> Outcome<f64> {
    let client = open(job).await;
    timed(async {
        let source = Box::pin(job.source());
        let parts = Parts { source, part: BytesMut::with_capacity(PART), number: 0, bytes: job.bytes };
        let upload = client.upload().bucket(&job.bucket).key(&job.key);
        upload.body(InputStream::from_part_stream(parts)).initiate()?.join().await?;
        Ok(())
    })
    .await
}

pub(super) async fn download(job: &Job) -> Outcome<f64> {
    let client = open(job).await;
    timed(async {
        let mut download = client.download().bucket(&job.bucket).key(&job.key).initiate()?;
        let mut came = 0;
        while let Some(chunk) = download.body_mut().next().await {
            came += chunk?.data.len() as u64;
        }
        job.check(came)
    })
    .await
}
