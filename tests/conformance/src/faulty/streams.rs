//! Downloads that break: whole, of one content, or an error; never short.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::join_all;
use skyport_core::blob::Bucket;
use skyport_core::{ErrorKind, Result};

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![
    a_stream_that_breaks_goes_on_or_fails_and_is_never_short,
    a_stream_whose_object_is_replaced_is_of_one_content_or_fails,
];

const LENGTH: usize = 3 << 20;
const READERS: usize = 3;
const READS: usize = 8;

fn letters(letter: u8) -> Bytes {
    (0..LENGTH).map(|at| letter ^ (at / 1_024 % 97) as u8).collect()
}

/// Reads a range as a stream, chunk by chunk.
async fn read(bucket: &Bucket, start: usize, end: usize) -> Result<Bytes> {
    let mut body = bucket.get("k").range(start as u64..end as u64).await?.into_body();
    let mut read = BytesMut::new();
    while let Some(chunk) = body.next().await.transpose()? {
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

async fn a_stream_that_breaks_goes_on_or_fails_and_is_never_short(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    let whole = letters(0);
    stage.line.calm();
    bucket.put("k", whole.clone()).await?;
    stage.line.unleash();
    let readers = (0..READERS).map(|reader| {
        let (bucket, whole) = (&bucket, &whole);
        async move {
            let mut fates = Vec::new();
            for n in 0..READS {
                // All of it, and what begins and ends somewhere.
                let start = (n % 2) * (1 + reader * 300_007 + n * 10_007);
                let end = LENGTH - start / 3;
                let read = read(bucket, start, end).await;
                fates.push(Fate::of(&read, &[]));
                if let Ok(read) = read {
                    assert!(read == whole[start..end], "{} bytes of {}", read.len(), end - start);
                }
            }
            fates
        }
    });
    assert_enough(join_all(readers).await.concat());
    Ok(Outcome::Passed)
}

async fn a_stream_whose_object_is_replaced_is_of_one_content_or_fails(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    let contents = [letters(1), letters(2)];
    stage.line.calm();
    bucket.put("k", contents[0].clone()).await?;
    stage.line.unleash();
    let writer = async {
        for n in 0..2 * READS {
            let put = bucket.put("k", contents[n % 2].clone()).await;
            if let Err(error) = put {
                assert_told(&error, &[ErrorKind::Conflict]);
            }
        }
    };
    let readers = (0..READERS).map(|_| async {
        let mut fates = Vec::new();
        for _ in 0..READS {
            let read = read(&bucket, 0, LENGTH).await;
            fates.push(Fate::of(&read, &[ErrorKind::Conflict]));
            if let Ok(read) = read {
                assert!(contents.contains(&read), "{} bytes of two contents", read.len());
            }
        }
        fates
    });
    let ((), fates) = futures_util::future::join(writer, join_all(readers)).await;
    assert_enough(fates.concat());
    Ok(Outcome::Passed)
}
