//! Ours: a put of a stream, and a get in ranges.

use futures_util::StreamExt;
use skyport_core::Body;
use skyport_core::Error;
use skyport_measure::Outcome;

use super::{Job, timed};

pub(super) async fn upload(job: &Job) -> Outcome<f64> {
    let place = job.place();
    let bucket = place.bucket(&job.bucket)?;
    bucket.put("warm", "").await?;
    timed(async {
        let source = job.source().map(Ok::<_, Error>);
        bucket.put(&job.key, Body::from_stream(source).with_len(job.bytes)).await?;
        Ok(())
    })
    .await
}

pub(super) async fn download(job: &Job) -> Outcome<f64> {
    let place = job.place();
    let bucket = place.bucket(&job.bucket)?;
    bucket.put("warm", "").await?;
    timed(async {
        let (mut body, mut came) = (bucket.get(&job.key).concurrency(super::AT_ONCE).await?.into_body(), 0);
        while let Some(chunk) = body.next().await {
            came += chunk?.len() as u64;
        }
        job.check(came)
    })
    .await
}
