//! Writing bytes and streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use skyport_core::blob::Bucket;
use skyport_core::{Body, ErrorKind, Result};

use super::{all_keys, bucket, endless, failing, kind, pattern, streamed};
use crate::case::{CaseResult, cases};
use crate::lossy::LostAnswers;
use crate::{Context, Outcome};

cases![
    bytes_and_streams_of_all_sizes_come_back,
    an_overwrite_leaves_only_the_new_content,
    a_failing_source_keeps_the_old_content,
    a_dropped_put_keeps_the_old_content,
    a_body_shorter_than_promised_keeps_the_old_content,
    an_object_that_is_too_large_is_refused_before_any_io,
    a_gibibyte_streams_in_bounded_memory,
];

async fn bytes_and_streams_of_all_sizes_come_back(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    for len in [0, 1, 1000, part - 1, part, part + 1, 2 * part, 2 * part + 1] {
        let bytes = pattern(len);
        let chunk = 1_000_003;
        let written = bucket.put("bytes", bytes.clone()).await?;
        let head = bucket.head("bytes").await?;
        assert_eq!((head.size, head.etag), (len as u64, written.etag));
        bucket.put("stream", streamed(&bytes, chunk)).await?;
        assert!(bucket.get("bytes").bytes().await? == bytes, "{len} bytes");
        assert!(bucket.get("stream").bytes().await? == bytes, "a stream of {len}");
    }
    Ok(Outcome::Passed)
}

async fn an_overwrite_leaves_only_the_new_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let large = pattern(bucket.limits().part_bytes + 1);
    bucket.put("k", large.clone()).await?;
    bucket.put("k", "short").await?;
    assert_eq!(bucket.get("k").text().await?, "short");
    bucket.put("k", large.clone()).await?;
    assert!(bucket.get("k").bytes().await? == large);
    assert_eq!(all_keys(&bucket).await?, ["k"]);
    Ok(Outcome::Passed)
}

async fn a_failing_source_keeps_the_old_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    bucket.put("old", "old").await?;
    for len in [0, 10, part, 3 * part + 1] {
        let bytes = pattern(len);
        for key in ["old", "new"] {
            let error = bucket.put(key, failing(&bytes, 1 << 20)).await.expect_err("the source broke");
            assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
            assert!(!error.is_ambiguous());
        }
        assert_eq!(bucket.get("old").text().await?, "old");
        assert_eq!(all_keys(&bucket).await?, ["old"]);
    }
    Ok(Outcome::Passed)
}

async fn a_dropped_put_keeps_the_old_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    bucket.put("old", "old").await?;
    for len in [10, 3 * part + 1] {
        let bytes = pattern(len);
        for key in ["old", "new"] {
            let put = async { bucket.put(key, endless(&bytes, 1 << 20)).await };
            let ended = tokio::time::timeout(Duration::from_millis(500), put).await;
            assert!(ended.is_err(), "its source never ends");
        }
        assert_eq!(bucket.get("old").text().await?, "old");
        assert_eq!(all_keys(&bucket).await?, ["old"]);
    }
    Ok(Outcome::Passed)
}

async fn a_body_shorter_than_promised_keeps_the_old_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "old").await?;
    let short = streamed(&pattern(100), 10).with_len(101);
    assert_eq!(kind(bucket.put("k", short).await), ErrorKind::InvalidArgument);
    assert_eq!(bucket.get("k").text().await?, "old");
    Ok(Outcome::Passed)
}

async fn an_object_that_is_too_large_is_refused_before_any_io(cx: Context) -> CaseResult {
    let bucket = super::missing_bucket(&cx)?;
    let most = bucket.limits().object_bytes;
    let body = Body::from_stream(stream::pending::<Result<Bytes>>()).with_len(most + 1);
    let error = bucket.put("k", body).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().contains("bytes"), "{error}");
    Ok(Outcome::Passed)
}

async fn a_gibibyte_streams_in_bounded_memory(cx: Context) -> CaseResult {
    let watched = Arc::new(LostAnswers::new(cx.bucket().await?));
    let bucket = Bucket::new(watched.clone());
    let part = bucket.limits().part_bytes;
    let concurrency = bucket.limits().part_concurrency as u64;
    let chunks = (1_usize << 30).div_ceil(part) as u64;
    // Each chunk is the same memory: a fake that keeps its objects in memory keeps one part.
    let chunk = pattern(part);
    let (given, most) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let source = {
        let (watched, chunk, most) = (watched.clone(), chunk.clone(), most.clone());
        stream::iter(0..chunks).map(move |_| {
            let held = given.fetch_add(1, Ordering::Relaxed) + 1 - watched.parts_sent();
            most.fetch_max(held, Ordering::Relaxed);
            Ok::<_, skyport_core::Error>(chunk.clone())
        })
    };
    bucket.put("big", Body::from_stream(source)).await?;
    // One chunk more than the parts: that which tells whether there is another part.
    let most = most.load(Ordering::Relaxed);
    assert!(most <= concurrency + 1, "{most} parts were held at once");
    let mut body = bucket.get("big").await?.into_body();
    let mut at = 0_u64;
    while let Some(read) = body.next().await.transpose()? {
        let mut rest = &read[..];
        while !rest.is_empty() {
            let offset = (at % part as u64) as usize;
            let (head, tail) = rest.split_at(rest.len().min(part - offset));
            assert!(head == &chunk[offset..offset + head.len()], "the bytes at {at} differ");
            at += head.len() as u64;
            rest = tail;
        }
    }
    assert_eq!(at, chunks * part as u64);
    Ok(Outcome::Passed)
}
