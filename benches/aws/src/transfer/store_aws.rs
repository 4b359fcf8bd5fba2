//! object_store.

use std::sync::Arc;

use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use skyport_measure::Outcome;

use super::{AT_ONCE, Job, PART, timed};
use crate::place::{KEY, REGION};

fn open(job: &Job) -> Outcome<Arc<AmazonS3>> {
    let builder = AmazonS3Builder::new()
        .with_endpoint(&job.endpoint)
        .with_allow_http(true)
        .with_region(REGION)
        .with_bucket_name(&job.bucket)
        .with_access_key_id(KEY)
        .with_secret_access_key(KEY);
    Ok(Arc::new(builder.build()?))
}

pub(super) async fn upload(job: &Job) -> Outcome<f64> {
    let store = open(job)?;
    store.put(&Path::from("warm"), bytes::Bytes::new().into()).await?;
    timed(async {
        let upload = store.put_multipart(&Path::from(job.key.as_str())).await?;
        let (mut write, mut source) = (WriteMultipart::new_with_chunk_size(upload, PART), job.source());
        while let Some(chunk) = source.next().await {
            write.wait_for_capacity(AT_ONCE - 1).await?;
            write.put(chunk);
        }
        write.finish().await?;
        Ok(())
    })
    .await
}

pub(super) async fn download(job: &Job) -> Outcome<f64> {
    let store = open(job)?;
    store.put(&Path::from("warm"), bytes::Bytes::new().into()).await?;
    timed(async {
        let (mut body, mut came) = (store.get(&Path::from(job.key.as_str())).await?.into_stream(), 0);
        while let Some(chunk) = body.next().await {
            came += chunk?.len() as u64;
        }
        job.check(came)
    })
    .await
}
