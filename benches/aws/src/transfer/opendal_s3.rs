//! OpenDAL.

use futures_util::{StreamExt, TryStreamExt};
use opendal::Operator;
use opendal::services::S3;
use skyport_measure::Outcome;

use super::{AT_ONCE, Job, PART, timed};
use crate::place::{KEY, REGION};

fn open(job: &Job) -> Outcome<Operator> {
    opendal::install_default();
    let service = S3::default()
        .endpoint(&job.endpoint)
        .region(REGION)
        .bucket(&job.bucket)
        .access_key_id(KEY)
        .secret_access_key(KEY)
        .disable_config_load()
        .disable_ec2_metadata();
    Ok(Operator::new(service)?)
}

pub(super) async fn upload(job: &Job) -> Outcome<f64> {
    let operator = open(job)?;
    operator.write("warm", "").await?;
    timed(async {
        let writer = operator.writer_with(&job.key).chunk(PART).concurrent(AT_ONCE);
        let (mut writer, mut source) = (writer.await?, job.source());
        while let Some(chunk) = source.next().await {
            writer.write(chunk).await?;
        }
        writer.close().await?;
        Ok(())
    })
    .await
}

/// As the one stream that all the others read; in parts of 8 MiB at once it is slower here.
pub(super) async fn download(job: &Job) -> Outcome<f64> {
    let operator = open(job)?;
    operator.write("warm", "").await?;
    timed(async {
        let mut body = operator.reader(&job.key).await?.into_bytes_stream(..).await?;
        let mut came = 0;
        while let Some(chunk) = body.try_next().await? {
            came += chunk.len() as u64;
        }
        job.check(came)
    })
    .await
}
