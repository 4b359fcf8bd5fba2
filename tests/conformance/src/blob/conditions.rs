//! Conditions of writes.

use futures_util::future::join_all;
use skyport_core::blob::{Bucket, Etag, Written};
use skyport_core::{ErrorKind, Result};
use tokio::io::AsyncWriteExt;

use super::{bucket, kind, pattern};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    if_absent_creates_once,
    if_match_replaces_only_that_content,
    if_match_of_a_missing_object_fails,
    conditions_hold_for_writes_in_parts,
    conditions_hold_for_writers,
    conditions_hold_for_copies,
    conditions_hold_for_deletes,
    of_racing_creations_at_most_one_succeeds,
    of_racing_replacements_at_most_one_succeeds,
    of_racing_uploads_in_parts_at_most_one_succeeds,
];

async fn if_absent_creates_once(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "one").if_absent().await?;
    assert_eq!(kind(bucket.put("k", "two").if_absent().await), ErrorKind::AlreadyExists);
    assert_eq!(bucket.get("k").text().await?, "one");
    bucket.delete("k").await?;
    bucket.put("k", "three").if_absent().await?;
    assert_eq!(bucket.get("k").text().await?, "three");
    Ok(Outcome::Passed)
}

async fn if_match_replaces_only_that_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let one = bucket.put("k", "one").await?.etag;
    let two = bucket.put("k", "two").if_match(&one).await?.etag;
    assert_ne!(one, two);
    assert_eq!(bucket.head("k").await?.etag, two);
    assert_eq!(kind(bucket.put("k", "three").if_match(&one).await), ErrorKind::PreconditionFailed);
    assert_eq!(bucket.get("k").text().await?, "two");
    Ok(Outcome::Passed)
}

async fn if_match_of_a_missing_object_fails(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let etag = bucket.put("k", "one").await?.etag;
    bucket.delete("k").await?;
    assert_eq!(kind(bucket.put("k", "two").if_match(&etag).await), ErrorKind::PreconditionFailed);
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn conditions_hold_for_writes_in_parts(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let large = pattern(bucket.limits().part_bytes + 1);
    let one = bucket.put("k", large.clone()).if_absent().await?.etag;
    assert_eq!(kind(bucket.put("k", large.clone()).if_absent().await), ErrorKind::AlreadyExists);
    bucket.put("k", "small").if_match(&one).await?;
    assert_eq!(kind(bucket.put("k", large).if_match(&one).await), ErrorKind::PreconditionFailed);
    assert_eq!(bucket.get("k").text().await?, "small");
    Ok(Outcome::Passed)
}

async fn conditions_hold_for_writers(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    // Both are open at once: the condition holds at the end.
    let mut first = bucket.writer("k").if_absent().await?;
    let mut second = bucket.writer("k").if_absent().await?;
    first.write_all(b"first").await?;
    second.write_all(b"second").await?;
    let etag = first.finish().await?.etag;
    assert_eq!(kind(second.finish().await), ErrorKind::AlreadyExists);
    let mut third = bucket.writer("k").if_match(&etag).await?;
    third.write_all(b"third").await?;
    bucket.put("k", "between").await?;
    assert_eq!(kind(third.finish().await), ErrorKind::PreconditionFailed);
    assert_eq!(bucket.get("k").text().await?, "between");
    Ok(Outcome::Passed)
}

async fn conditions_hold_for_copies(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let source = bucket.put("from", "one").await?.etag;
    let target = bucket.copy("from", "to").if_absent().await?.etag;
    assert_eq!(kind(bucket.copy("from", "to").if_absent().await), ErrorKind::AlreadyExists);
    bucket.put("from", "two").await?;
    let stale = bucket.copy("from", "to").source_if_match(&source).await;
    assert_eq!(kind(stale), ErrorKind::PreconditionFailed);
    bucket.copy("from", "to").if_match(&target).await?;
    assert_eq!(bucket.get("to").text().await?, "two");
    assert_eq!(kind(bucket.copy("from", "to").if_match(&target).await), ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

async fn conditions_hold_for_deletes(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let one = bucket.put("k", "one").await?.etag;
    let two = bucket.put("k", "two").await?.etag;
    assert_eq!(kind(bucket.delete("k").if_match(&one).await), ErrorKind::PreconditionFailed);
    assert!(bucket.exists("k").await?);
    bucket.delete("k").if_match(&two).await?;
    assert!(!bucket.exists("k").await?);
    assert_eq!(kind(bucket.delete("k").if_match(&two).await), ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

/// Ten rivals that write their number `len` times; at most one may win, and what stands there is the winner's.
async fn race(bucket: &Bucket, etag: Option<&Etag>, len: usize) -> CaseResult {
    let rivals = (0..10_u8).map(|number| {
        let (bucket, etag) = (bucket.clone(), etag.cloned());
        tokio::spawn(async move {
            let put = bucket.put("k", vec![number; len]);
            match &etag {
                Some(etag) => put.if_match(etag).await,
                None => put.if_absent().await,
            }
        })
    });
    let results: Vec<Result<Written>> = join_all(rivals).await.into_iter().collect::<Result<_, _>>()?;
    let mut winners = Vec::new();
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(written) => winners.push((number as u8, written.etag.clone())),
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict
                ),
                "{error}"
            ),
        }
    }
    assert!(winners.len() <= 1, "{winners:?}");
    if let Some((number, etag)) = winners.pop() {
        let object = bucket.get("k").await?;
        assert_eq!(object.etag(), &etag);
        assert!(object.bytes().await?.iter().all(|byte| *byte == number));
    }
    Ok(Outcome::Passed)
}

async fn of_racing_creations_at_most_one_succeeds(cx: Context) -> CaseResult {
    race(&bucket(&cx).await?, None, 100).await
}

async fn of_racing_replacements_at_most_one_succeeds(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let etag = bucket.put("k", "old").await?.etag;
    race(&bucket, Some(&etag), 100).await
}

async fn of_racing_uploads_in_parts_at_most_one_succeeds(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let len = bucket.limits().part_bytes + 1;
    race(&bucket, None, len).await
}
