//! Futures that are dropped before they are done: all of the old or all of the new is left, and no upload.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use skyport_core::blob::Bucket;
use skyport_core::{Body, BoxError, Error, ErrorKind, Result};
use tokio::io::AsyncWriteExt;

use super::{all_keys, endless, pattern};
use crate::case::{CaseResult, cases};
use crate::lossy::LostAnswers;
use crate::{Context, Outcome};

cases![
    a_small_write_that_is_dropped_leaves_all_old_or_all_new,
    an_upload_that_is_dropped_leaves_all_old_or_all_new_and_nothing_else,
    a_delete_that_is_dropped_leaves_the_object_or_nothing,
    a_dropped_put_or_writer_is_aborted_in_the_background,
    an_upload_whose_source_fails_is_aborted,
];

/// How often each write is cut off.
const ROUNDS: usize = 24;

/// What became of a future: its output, unless it was dropped first.
async fn cut<F: Future>(future: F, random: &mut fastrand::Rng) -> Option<F::Output> {
    // What computes is cut after some polls, what waits for a disk or a network after some time.
    let mut polls = random.u32(0..40);
    let longest = 1 << random.u32(8..17);
    let limit = Duration::from_micros(random.u64(0..longest));
    let mut future = pin!(future);
    let polled = poll_fn(|cx| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(cx).map(Some)
    });
    tokio::time::timeout(limit, polled).await.ok().flatten()
}

fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(7)
}

/// A stream that lets others run before each chunk.
fn hesitating(bytes: &Bytes, chunk: usize) -> Body {
    let chunks = stream::iter(super::chunks(bytes, chunk)).then(|chunk| async {
        tokio::task::yield_now().await;
        chunk
    });
    Body::from_stream(chunks)
}

/// A bucket, and what counts its uploads.
async fn watched(cx: &Context) -> Result<(Bucket, Arc<LostAnswers>)> {
    let watched = Arc::new(LostAnswers::new(cx.bucket().await?));
    Ok((Bucket::new(watched.clone()), watched))
}

/// Fails the case unless the object is whole: `new` where the write was answered, else that or `old`.
async fn expect_whole(cx: &Context, bucket: &Bucket, key: &str, answered: bool, new: &Bytes) -> CaseResult {
    let first = bucket.get(key).bytes().await?;
    assert!(first == *new || (!answered && first == "old"), "{key} is neither old nor new: {}", first.len());
    // What was under way when it was dropped may still be applied, as a whole.
    cx.pass(Duration::from_millis(5)).await;
    let then = bucket.get(key).bytes().await?;
    assert!(then == *new || then == first, "{key} went from new to something else: {}", then.len());
    Ok(Outcome::Passed)
}

/// Waits until every upload that was started is completed or aborted.
async fn expect_no_upload(cx: &Context, watched: &LostAnswers) -> Result<(), BoxError> {
    for _ in 0..1_000 {
        if watched.uploads_open() == 0 {
            return Ok(());
        }
        cx.pass(Duration::from_millis(10)).await;
    }
    Err(format!("{} uploads were neither completed nor aborted", watched.uploads_open()).into())
}

async fn a_small_write_that_is_dropped_leaves_all_old_or_all_new(cx: Context) -> CaseResult {
    let (bucket, _) = watched(&cx).await?;
    let (new, mut random) = (pattern(20_000), random());
    bucket.put("source", new.clone()).await?;
    let mut keys = Vec::new();
    for round in 0..ROUNDS {
        let key = format!("round/{round:02}");
        let old = bucket.put(&key, "old").await?.etag;
        let written = match round % 4 {
            0 => cut(bucket.put(&key, new.clone()).into_future(), &mut random).await,
            1 => cut(bucket.put(&key, new.clone()).if_match(&old).into_future(), &mut random).await,
            2 => cut(bucket.put(&key, hesitating(&new, 4_000)).into_future(), &mut random).await,
            _ => cut(bucket.copy("source", &key).into_future(), &mut random).await,
        };
        let answered = written.transpose()?.is_some();
        expect_whole(&cx, &bucket, &key, answered, &new).await?;
        keys.push(key);
    }
    keys.push("source".to_owned());
    assert_eq!(all_keys(&bucket).await?, keys);
    Ok(Outcome::Passed)
}

async fn write_by_writer(bucket: &Bucket, key: &str, bytes: &Bytes) -> Result<(), BoxError> {
    let mut writer = bucket.writer(key).await?;
    for piece in bytes.chunks(1 << 20) {
        writer.write_all(piece).await?;
        tokio::task::yield_now().await;
    }
    writer.finish().await?;
    Ok(())
}

async fn an_upload_that_is_dropped_leaves_all_old_or_all_new_and_nothing_else(cx: Context) -> CaseResult {
    let (bucket, watched) = watched(&cx).await?;
    let (new, mut random) = (pattern(bucket.limits().part_bytes + 1), random());
    let mut keys = Vec::new();
    for round in 0..ROUNDS {
        let key = format!("round/{round:02}");
        bucket.put(&key, "old").await?;
        let answered = if round % 2 == 0 {
            let put = bucket.put(&key, hesitating(&new, 1 << 20)).into_future();
            cut(put, &mut random).await.transpose()?.is_some()
        } else {
            cut(write_by_writer(&bucket, &key, &new), &mut random).await.transpose()?.is_some()
        };
        expect_whole(&cx, &bucket, &key, answered, &new).await?;
        keys.push(key);
    }
    expect_no_upload(&cx, &watched).await?;
    assert_eq!(all_keys(&bucket).await?, keys);
    Ok(Outcome::Passed)
}

async fn a_delete_that_is_dropped_leaves_the_object_or_nothing(cx: Context) -> CaseResult {
    let (bucket, _) = watched(&cx).await?;
    let mut random = random();
    for round in 0..ROUNDS {
        let key = format!("round/{round:02}");
        bucket.put(&key, "old").await?;
        let deleted = cut(bucket.delete(&key).into_future(), &mut random).await.transpose()?;
        match bucket.get(&key).text().await {
            Ok(text) => assert!(text == "old" && deleted.is_none(), "{text}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        }
    }
    Ok(Outcome::Passed)
}

async fn a_dropped_put_or_writer_is_aborted_in_the_background(cx: Context) -> CaseResult {
    let (bucket, watched) = watched(&cx).await?;
    let bytes = pattern(2 * bucket.limits().part_bytes + 1);
    let begun = async {
        while watched.uploads_started() == 0 {
            cx.pass(Duration::from_millis(5)).await;
        }
    };
    // Whichever is not first is dropped: the put, once its upload is under way.
    tokio::select! {
        put = bucket.put("k", endless(&bytes, 1 << 20)).into_future() => panic!("its source never ends: {put:?}"),
        begun = tokio::time::timeout(Duration::from_secs(60), begun) => begun?,
    }
    expect_no_upload(&cx, &watched).await?;
    let mut writer = bucket.writer("k").await?;
    writer.write_all(&bytes).await?;
    assert_eq!(watched.uploads_open(), 1);
    drop(writer);
    expect_no_upload(&cx, &watched).await?;
    assert_eq!(watched.uploads_started(), 2);
    assert!(all_keys(&bucket).await?.is_empty());
    Ok(Outcome::Passed)
}

async fn an_upload_whose_source_fails_is_aborted(cx: Context) -> CaseResult {
    let (bucket, watched) = watched(&cx).await?;
    let bytes = pattern(2 * bucket.limits().part_bytes + 1);
    let error: Error = bucket.put("k", super::failing(&bytes, 1 << 20)).await.expect_err("the source broke");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    // Before the caller hears of it.
    assert_eq!((watched.uploads_started(), watched.uploads_open()), (1, 0));
    Ok(Outcome::Passed)
}
