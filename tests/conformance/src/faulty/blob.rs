//! Objects that are written in a storm: whole, and the one that was acknowledged last or came after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use skyport_core::blob::Bucket;
use skyport_core::{BoxError, Error, ErrorKind};
use tokio::io::AsyncWriteExt;

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![
    what_is_put_is_whole_and_what_was_acknowledged_stands,
    what_a_writer_finished_is_whole_and_what_it_gave_up_is_not_there,
    deletions_of_many_tell_the_truth_of_each,
];

const KEYS: usize = 6;
const ROUNDS: usize = 12;

/// The content of round `n` under a key: of a length of its own, so that no half of one is another.
pub(super) fn content(key: usize, n: usize, length: usize) -> Bytes {
    let head = format!("{key}/{n};");
    let fill = (0..length + n * 7_919).map(|at| ((at * 31 + n * 17 + key) % 251) as u8);
    head.into_bytes().into_iter().chain(fill).collect()
}

/// Which of the first `rounds` contents of a key this is.
pub(super) fn round_of(bytes: &Bytes, key: usize, rounds: usize, length: usize) -> Option<usize> {
    (0..rounds).find(|n| *bytes == content(key, *n, length))
}

/// What may stand after writes that were made one after the other: the last one that was acknowledged, or one of doubt behind it. None of the
/// rounds, where nothing was acknowledged.
fn may_stand(fates: &[Fate]) -> Vec<Option<usize>> {
    let mut may = vec![None];
    for (round, fate) in fates.iter().enumerate() {
        match fate {
            Fate::Done => may = vec![Some(round)],
            Fate::Unknown => may.push(Some(round)),
            Fate::Refused | Fate::Declined => {}
        }
    }
    may
}

/// Which round's content stands under a key; fails the case where it is that of none.
async fn standing(bucket: &Bucket, key: usize, length: usize) -> Result<Option<usize>, BoxError> {
    match bucket.get(&key.to_string()).bytes().await {
        Ok(bytes) => {
            let round = round_of(&bytes, key, ROUNDS, length);
            Ok(Some(round.ok_or_else(|| format!("{} bytes under {key} were never written", bytes.len()))?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn what_is_put_is_whole_and_what_was_acknowledged_stands(stage: Stage) -> CaseResult {
    const LENGTH: usize = 40_000;
    let bucket = stage.bucket().await?;
    let left = Arc::new(AtomicUsize::new(KEYS));
    let acknowledged: Arc<Vec<AtomicBool>> = Arc::new((0..KEYS).map(|_| AtomicBool::new(false)).collect());
    let writers = (0..KEYS).map(|key| {
        let (bucket, left, acknowledged) = (bucket.clone(), Arc::clone(&left), Arc::clone(&acknowledged));
        async move {
            let mut fates = Vec::new();
            for round in 0..ROUNDS {
                let put = bucket.put(&key.to_string(), content(key, round, LENGTH)).await;
                let fate = Fate::of(&put, &[ErrorKind::Conflict]);
                acknowledged[key].fetch_or(fate == Fate::Done, Ordering::SeqCst);
                fates.push(fate);
            }
            left.fetch_sub(1, Ordering::SeqCst);
            fates
        }
    });
    let readers = (0..3).map(|reader| {
        let (bucket, left, acknowledged) = (bucket.clone(), Arc::clone(&left), Arc::clone(&acknowledged));
        async move {
            let mut key = reader;
            while left.load(Ordering::SeqCst) > 0 {
                key = (key + 1) % KEYS;
                let there = acknowledged[key].load(Ordering::SeqCst);
                match bucket.get(&key.to_string()).bytes().await {
                    Ok(bytes) => {
                        assert!(
                            round_of(&bytes, key, ROUNDS, LENGTH).is_some(),
                            "{} bytes of {key}",
                            bytes.len()
                        );
                    }
                    Err(error) => {
                        assert_told(&error, &[ErrorKind::NotFound, ErrorKind::Conflict]);
                        assert!(error.kind() != ErrorKind::NotFound || !there, "{key} is there: {error}");
                    }
                }
            }
        }
    });
    let (fates, _) = futures_util::future::join(join_all(writers), join_all(readers)).await;
    stage.line.calm();
    for (key, fates) in fates.iter().enumerate() {
        let stands = standing(&bucket, key, LENGTH).await?;
        assert!(may_stand(fates).contains(&stands), "{stands:?} stands under {key} after {fates:?}");
    }
    assert_enough(fates.concat());
    Ok(Outcome::Passed)
}

async fn what_a_writer_finished_is_whole_and_what_it_gave_up_is_not_there(stage: Stage) -> CaseResult {
    const WRITERS: usize = 2;
    const UPLOADS: usize = 3;
    let bucket = stage.bucket().await?;
    let length = bucket.limits().part_bytes + 1;
    let writers = (0..WRITERS).map(|key| {
        let bucket = bucket.clone();
        async move {
            let mut fates = Vec::new();
            for round in 0..ROUNDS {
                // Each makes many requests, so that few may come to their end: until one has.
                if round >= UPLOADS && fates.contains(&Fate::Done) {
                    break;
                }
                fates.push(upload(&bucket, key, content(key, round, length)).await?);
            }
            Ok::<_, BoxError>(fates)
        }
    });
    let fates = try_join_all(writers).await?;
    stage.line.calm();
    for (key, fates) in fates.iter().enumerate() {
        let stands = standing(&bucket, key, length).await?;
        assert!(may_stand(fates).contains(&stands), "{stands:?} stands under {key} after {fates:?}");
    }
    assert!(fates.concat().contains(&Fate::Done), "no writer finished: {fates:?}");
    Ok(Outcome::Passed)
}

/// Writes by a writer. What fails before `finish` is never there.
async fn upload(bucket: &Bucket, key: usize, bytes: Bytes) -> Result<Fate, BoxError> {
    let key = key.to_string();
    let mut writer = match bucket.writer(&key).await {
        Ok(writer) => writer,
        Err(error) => {
            assert_told(&error, &[]);
            return Ok(Fate::Refused);
        }
    };
    for piece in bytes.chunks(1 << 20) {
        if let Err(error) = writer.write_all(piece).await {
            assert_told(Error::find(&error).ok_or("an error of ours")?, &[ErrorKind::Conflict]);
            return Ok(Fate::Refused);
        }
    }
    Ok(Fate::of(&writer.finish().await, &[ErrorKind::Conflict]))
}

async fn deletions_of_many_tell_the_truth_of_each(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    let mut seen = Vec::new();
    // Many rounds: where a service takes all keys in one request, their answers are lost together.
    for round in 0..24 {
        let keys: Vec<String> = (0..6).map(|n| format!("{round}/{n}")).collect();
        stage.line.calm();
        try_join_all(keys.iter().map(|key| async { bucket.put(key, "x").await.map(drop) })).await?;
        stage.line.unleash();
        let deleted = bucket.delete_many(keys.clone()).await;
        assert_eq!(deleted.len(), keys.len());
        stage.line.calm();
        for (key, deleted) in keys.iter().zip(&deleted) {
            let fate = Fate::of(deleted, &[]);
            let there = bucket.exists(key).await?;
            assert!(fate == Fate::Unknown || there == (fate == Fate::Refused), "{key}: {deleted:?}, {there}");
            seen.push(fate);
        }
    }
    assert_enough(seen);
    Ok(Outcome::Passed)
}
