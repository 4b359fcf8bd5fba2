//! The raw SDK, by hand: parts filled one after the other, and sent several at once; a download as the stream that it is.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use skyport_measure::Outcome;
use tokio::task::JoinSet;

use super::{AT_ONCE, Job, PART, timed};

pub(super) async fn upload(job: &Job) -> Outcome<f64> {
    let place = job.place();
    let client = place.raw_s3().await;
    client.put_object().bucket(&job.bucket).key("warm").send().await?;
    timed(upload_parts(job, client)).await
}

/// A part that was sent.
type Sent = Outcome<CompletedPart>;

async fn upload_parts(job: &Job, client: Client) -> Outcome {
    let started = client.create_multipart_upload().bucket(&job.bucket).key(&job.key).send().await?;
    let id: Arc<str> = started.upload_id().ok_or("no upload")?.into();
    let (mut source, mut part) = (job.source(), BytesMut::with_capacity(PART));
    let (mut sending, mut sent, mut number) = (JoinSet::<Sent>::new(), Vec::new(), 0);
    while let Some(chunk) = source.next().await {
        part.extend_from_slice(&chunk);
        if part.len() < PART {
            continue;
        }
        // The one that is filled next counts.
        if sending.len() + 1 >= AT_ONCE
            && let Some(done) = sending.join_next().await
        {
            sent.push(done??);
        }
        number += 1;
        let full = std::mem::replace(&mut part, BytesMut::with_capacity(PART)).freeze();
        sending.spawn(send(client.clone(), job.clone(), Arc::clone(&id), number, full));
    }
    if !part.is_empty() {
        sending.spawn(send(client.clone(), job.clone(), Arc::clone(&id), number + 1, part.freeze()));
    }
    while let Some(done) = sending.join_next().await {
        sent.push(done??);
    }
    sent.sort_by_key(CompletedPart::part_number);
    let all = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
    let complete = client.complete_multipart_upload().bucket(&job.bucket).key(&job.key);
    complete.upload_id(&*id).multipart_upload(all).send().await?;
    Ok(())
}

async fn send(client: Client, job: Job, id: Arc<str>, number: i32, bytes: Bytes) -> Sent {
    let part = client.upload_part().bucket(&job.bucket).key(&job.key).upload_id(&*id).part_number(number);
    let sent = part.body(ByteStream::from(bytes)).send().await?;
    Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
}

pub(super) async fn download(job: &Job) -> Outcome<f64> {
    let place = job.place();
    let client = place.raw_s3().await;
    client.put_object().bucket(&job.bucket).key("warm").send().await?;
    timed(async {
        let got = client.get_object().bucket(&job.bucket).key(&job.key).send().await?;
        let (mut body, mut came) = (got.body, 0);
        while let Some(chunk) = body.try_next().await? {
            came += chunk.len() as u64;
        }
        job.check(came)
    })
    .await
}
