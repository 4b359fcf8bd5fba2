//! Reading: whole, ranges, conditions, forms.

use std::sync::Arc;

use futures_util::StreamExt;
use skyport_core::blob::Bucket;
use skyport_core::{ErrorKind, Result};

use super::{bucket, kind, missing_bucket, pattern};
use crate::case::{CaseResult, cases};
use crate::lossy::LostAnswers;
use crate::{Context, Outcome};

cases![
    ranges_of_an_object,
    ranges_of_an_empty_object,
    ranges_across_parts,
    a_range_that_ends_before_it_starts_is_refused_before_any_io,
    if_match_reads_only_that_content,
    if_none_match_reads_only_another_content,
    bytes_over_the_limit_are_refused,
    text_is_utf_8,
    a_body_knows_its_length_and_reads_in_all_forms,
    a_reader_that_began_before_a_replacement_gets_all_old_or_an_error,
    ranges_side_by_side_give_what_one_download_gives,
    ranges_side_by_side_are_of_one_content,
    ranges_side_by_side_go_on_where_they_break,
    a_broken_download_goes_on_by_range,
    a_broken_download_is_bound_to_its_content,
];

async fn ranges_of_an_object(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "0123456789").await?;
    let get = || bucket.get("k");
    assert_eq!(get().range(..).text().await?, "0123456789");
    assert_eq!(get().range(0..1).text().await?, "0");
    assert_eq!(get().range(3..=5).text().await?, "345");
    assert_eq!(get().range(8..).text().await?, "89");
    assert_eq!(get().range(8..1_000).text().await?, "89", "an end past the object's is held to it");
    assert_eq!(get().range(4..4).text().await?, "");
    assert_eq!(get().range(10..).text().await?, "");
    assert_eq!(get().range(..u64::MAX).text().await?, "0123456789");
    assert_eq!(kind(get().range(11..).await), ErrorKind::InvalidArgument);
    assert_eq!(kind(get().range(11..20).await), ErrorKind::InvalidArgument);
    assert_eq!(get().last(3).text().await?, "789");
    assert_eq!(get().last(0).text().await?, "");
    assert_eq!(get().last(99).text().await?, "0123456789");
    let object = get().range(2..4).await?;
    assert_eq!((object.size(), object.range()), (10, (2, 4)));
    Ok(Outcome::Passed)
}

async fn ranges_of_an_empty_object(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "").await?;
    assert_eq!(bucket.get("k").bytes().await?, "");
    assert_eq!(bucket.get("k").range(0..10).bytes().await?, "");
    assert_eq!(bucket.get("k").last(10).bytes().await?, "");
    assert_eq!(kind(bucket.get("k").range(1..).await), ErrorKind::InvalidArgument);
    assert_eq!(bucket.head("k").await?.size, 0);
    Ok(Outcome::Passed)
}

async fn ranges_across_parts(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    let bytes = pattern(2 * part + 100);
    bucket.put("k", bytes.clone()).await?;
    for (start, end) in [(part - 3, part + 3), (0, part), (part, 2 * part), (part - 1, 2 * part + 1)] {
        let read = bucket.get("k").range(start as u64..end as u64).bytes().await?;
        assert!(read == bytes.slice(start..end), "{start}..{end}");
    }
    assert_eq!(bucket.get("k").last(200).bytes().await?, bytes.slice(bytes.len() - 200..));
    Ok(Outcome::Passed)
}

async fn a_range_that_ends_before_it_starts_is_refused_before_any_io(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    let (start, end) = (5, 4);
    assert_eq!(kind(bucket.get("k").range(start..end).await), ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn if_match_reads_only_that_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let first = bucket.put("k", "one").await?.etag;
    assert!(!first.as_str().contains('"'), "an etag has no quotes");
    assert_eq!(bucket.get("k").if_match(&first).text().await?, "one");
    bucket.put("k", "two").await?;
    assert_eq!(kind(bucket.get("k").if_match(&first).await), ErrorKind::PreconditionFailed);
    Ok(Outcome::Passed)
}

async fn if_none_match_reads_only_another_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let first = bucket.put("k", "one").await?.etag;
    assert!(bucket.get("k").if_none_match(&first).await?.is_none());
    bucket.put("k", "two").await?;
    let object = bucket.get("k").if_none_match(&first).await?.expect("it changed");
    assert_eq!(object.text().await?, "two");
    Ok(Outcome::Passed)
}

async fn bytes_over_the_limit_are_refused(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "0123456789").await?;
    let error = bucket.get("k").limit(9).bytes().await.expect_err("over the limit");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().contains('9'), "{error}");
    assert_eq!(bucket.get("k").limit(10).bytes().await?.len(), 10);
    assert_eq!(bucket.get("k").range(5..).limit(5).bytes().await?.len(), 5);
    Ok(Outcome::Passed)
}

async fn text_is_utf_8(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", vec![b'a', 0xff]).await?;
    let error = bucket.get("k").text().await.expect_err("no UTF-8");
    assert_eq!((error.kind(), error.key()), (ErrorKind::Malformed, Some("k")));
    Ok(Outcome::Passed)
}

async fn a_body_knows_its_length_and_reads_in_all_forms(cx: Context) -> CaseResult {
    use tokio::io::AsyncReadExt;
    let bucket = bucket(&cx).await?;
    let bytes = pattern(bucket.limits().part_bytes + 5);
    bucket.put("k", bytes.clone()).await?;
    let body = bucket.get("k").await?.into_body();
    assert_eq!(body.known_len(), Some(bytes.len() as u64));
    let chunks: Vec<Result<bytes::Bytes>> = body.collect_chunks().await;
    let joined: Vec<u8> = chunks.into_iter().collect::<Result<Vec<_>>>()?.concat();
    assert!(joined == bytes);
    let mut read = Vec::new();
    let mut reader = bucket.get("k").range(10..).await?.into_reader();
    reader.read_to_end(&mut read).await?;
    assert!(read == bytes.slice(10..));
    // A body is also the source of another write.
    bucket.put("again", bucket.get("k").await?.into_body()).await?;
    assert!(bucket.get("again").bytes().await? == bytes);
    Ok(Outcome::Passed)
}

trait CollectChunks {
    async fn collect_chunks(self) -> Vec<Result<bytes::Bytes>>;
}

impl CollectChunks for skyport_core::Body {
    async fn collect_chunks(self) -> Vec<Result<bytes::Bytes>> {
        StreamExt::collect(self).await
    }
}

async fn a_reader_that_began_before_a_replacement_gets_all_old_or_an_error(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let old = pattern(2 * bucket.limits().part_bytes + 7);
    bucket.put("k", old.clone()).await?;
    let mut body = bucket.get("k").await?.into_body();
    let first = body.next().await.expect("a chunk")?;
    bucket.put("k", vec![0; old.len()]).await?;
    let mut read = first.to_vec();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::PreconditionFailed),
                    "{error}"
                );
                assert!(read[..] == old[..read.len()], "never mixed bytes");
                return Ok(Outcome::Passed);
            }
        }
    }
    assert!(read == old);
    Ok(Outcome::Passed)
}

async fn ranges_side_by_side_give_what_one_download_gives(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let part = bucket.limits().part_bytes;
    let bytes = pattern(2 * part + 100);
    let etag = bucket.put("k", bytes.clone()).await?.etag;
    let object = bucket.get("k").concurrency(3).await?;
    assert_eq!((object.range(), object.etag()), ((0, bytes.len() as u64), &etag));
    assert!(object.bytes().await? == bytes);
    let ranges = [(1, bytes.len()), (5, usize::MAX), (part - 3, part + 3), (0, part), (0, part + 1), (7, 7)];
    for (start, end) in ranges {
        let read = bucket.get("k").range(start as u64..end as u64).concurrency(3).bytes().await?;
        assert!(read == bytes.slice(start..end.min(bytes.len())), "{start}..{end}");
    }
    let end = bucket.get("k").last(200).concurrency(3).bytes().await?;
    assert_eq!(end, bytes.slice(bytes.len() - 200..));
    let past = bytes.len() as u64 + 1;
    assert_eq!(kind(bucket.get("k").range(past..).concurrency(3).await), ErrorKind::InvalidArgument);
    bucket.put("empty", "").await?;
    assert_eq!(bucket.get("empty").concurrency(3).bytes().await?, "");
    assert_eq!(kind(bucket.get("missing").concurrency(3).await), ErrorKind::NotFound);
    Ok(Outcome::Passed)
}

async fn ranges_side_by_side_are_of_one_content(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let bytes = pattern(bucket.limits().part_bytes + 1);
    for new_size in [Some(bytes.len()), Some(1), None] {
        let etag = bucket.put("k", bytes.clone()).await?.etag;
        let plain = bucket.get("k").concurrency(2).await?.into_body();
        let named = bucket.get("k").if_match(&etag).concurrency(2).await?.into_body();
        // Before the second range is asked for.
        match new_size {
            Some(size) => drop(bucket.put("k", vec![0; size]).await?),
            None => bucket.delete("k").await?,
        }
        for (body, expected) in [(plain, ErrorKind::Conflict), (named, ErrorKind::PreconditionFailed)] {
            let chunks: Vec<Result<bytes::Bytes>> = body.collect_chunks().await;
            let error = chunks.last().expect("a chunk").as_ref().expect_err("it changed");
            assert_eq!((error.kind(), error.key()), (expected, Some("k")), "{new_size:?}");
            let read = chunks.iter().flatten().flatten();
            assert!(read.zip(&bytes).all(|(came, old)| came == old), "never mixed bytes");
        }
    }
    Ok(Outcome::Passed)
}

async fn ranges_side_by_side_go_on_where_they_break(cx: Context) -> CaseResult {
    let lossy = Arc::new(LostAnswers::new(cx.bucket().await?));
    let bucket = Bucket::new(lossy.clone());
    let part = bucket.limits().part_bytes;
    let bytes = pattern(2 * part + 5);
    bucket.put("k", bytes.clone()).await?;
    lossy.break_downloads(part as u64 / 3);
    assert!(bucket.get("k").concurrency(3).bytes().await? == bytes);
    Ok(Outcome::Passed)
}

async fn a_broken_download_goes_on_by_range(cx: Context) -> CaseResult {
    let lossy = Arc::new(LostAnswers::new(cx.bucket().await?));
    let bucket = Bucket::new(lossy.clone());
    let small = pattern(1_000);
    let large = pattern(bucket.limits().part_bytes + 5);
    bucket.put("small", small.clone()).await?;
    bucket.put("large", large.clone()).await?;
    lossy.break_downloads(400);
    assert!(bucket.get("small").bytes().await? == small);
    assert!(bucket.get("small").range(100..900).bytes().await? == small.slice(100..900));
    assert!(bucket.get("small").last(500).bytes().await? == small.slice(500..));
    lossy.break_downloads(large.len() as u64 / 3);
    assert!(bucket.get("large").bytes().await? == large);
    Ok(Outcome::Passed)
}

async fn a_broken_download_is_bound_to_its_content(cx: Context) -> CaseResult {
    let lossy = Arc::new(LostAnswers::new(cx.bucket().await?));
    let bucket = Bucket::new(lossy.clone());
    for deleted in [false, true] {
        let etag = bucket.put("k", "0123456789").await?.etag;
        lossy.break_downloads(4);
        let (plain, named) = (bucket.get("k").await?, bucket.get("k").if_match(&etag).await?);
        if deleted {
            bucket.delete("k").await?;
        } else {
            bucket.put("k", "abcdefghij").await?;
        }
        assert_eq!(kind(plain.bytes().await), ErrorKind::Conflict);
        assert_eq!(kind(named.bytes().await), ErrorKind::PreconditionFailed);
        lossy.break_downloads(0);
    }
    Ok(Outcome::Passed)
}
