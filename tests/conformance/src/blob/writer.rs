//! Writing through `AsyncWrite`.

use std::time::Duration;

use skyport_core::{Error, ErrorKind};
use tokio::io::AsyncWriteExt;

use super::{all_keys, bucket, pattern};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    what_a_writer_wrote_comes_back,
    only_finish_makes_the_object_visible,
    a_dropped_writer_keeps_the_old_content,
    an_aborted_writer_keeps_the_old_content,
    a_writer_to_a_missing_bucket_fails_and_stays_failed,
];

async fn what_a_writer_wrote_comes_back(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    for len in [0, 1, part, part + 1, 3 * part + 5] {
        let bytes = pattern(len);
        let mut writer = bucket.writer("k").content_type("text/x-test").await?;
        for piece in bytes.chunks(777_777) {
            writer.write_all(piece).await?;
        }
        assert_eq!(writer.bytes_written(), len as u64);
        let written = writer.finish().await?;
        let object = bucket.get("k").await?;
        assert_eq!((object.etag(), object.content_type()), (&written.etag, Some("text/x-test")));
        assert!(object.bytes().await? == bytes, "{len} bytes");
    }
    Ok(Outcome::Passed)
}

async fn only_finish_makes_the_object_visible(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    for len in [10, 2 * bucket.limits().part_bytes + 1] {
        let mut writer = bucket.writer("k").if_absent().await?;
        writer.write_all(&pattern(len)).await?;
        writer.flush().await?;
        writer.shutdown().await?;
        assert!(!bucket.exists("k").await?);
        assert!(all_keys(&bucket).await?.is_empty());
        writer.finish().await?;
        assert_eq!(bucket.head("k").await?.size, len as u64);
        bucket.delete("k").await?;
    }
    Ok(Outcome::Passed)
}

async fn a_dropped_writer_keeps_the_old_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "old").await?;
    for len in [10, 3 * bucket.limits().part_bytes + 1] {
        let mut writer = bucket.writer("k").await?;
        writer.write_all(&pattern(len)).await?;
        writer.shutdown().await?;
        drop(writer);
        cx.pass(Duration::from_millis(50)).await;
        assert_eq!(bucket.get("k").text().await?, "old");
        assert_eq!(all_keys(&bucket).await?, ["k"]);
    }
    Ok(Outcome::Passed)
}

async fn an_aborted_writer_keeps_the_old_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "old").await?;
    for len in [10, 3 * bucket.limits().part_bytes + 1] {
        let mut writer = bucket.writer("k").await?;
        writer.write_all(&pattern(len)).await?;
        writer.abort().await?;
        assert_eq!(bucket.get("k").text().await?, "old");
    }
    Ok(Outcome::Passed)
}

async fn a_writer_to_a_missing_bucket_fails_and_stays_failed(cx: Context) -> CaseResult {
    let bucket = super::missing_bucket(&cx)?;
    let mut writer = bucket.writer("k").await?;
    let large = pattern(2 * bucket.limits().part_bytes + 1);
    let error = writer.write_all(&large).await.expect_err("no such bucket");
    let ours = Error::find(&error).expect("our own error inside");
    assert_eq!((ours.kind(), ours.operation()), (ErrorKind::NotFound, Some("blob.writer")));
    assert!(writer.write_all(b"more").await.is_err());
    assert!(writer.finish().await.is_err());
    Ok(Outcome::Passed)
}
