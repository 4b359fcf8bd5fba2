//! Listing.

use futures_util::StreamExt;
use skyport_core::ErrorKind;
use skyport_core::blob::{Bucket, ListEntry};

use super::{all_keys, bucket, keys_of, kind, missing_bucket};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    keys_come_in_utf_8_byte_order,
    a_prefix_selects,
    a_delimiter_makes_directories_once,
    the_delimiter_counts_in_the_order,
    the_answer_is_the_same_for_every_page_size,
    start_after_is_exclusive_and_need_not_exist,
    a_token_resumes_and_is_bound_to_its_listing,
    no_empty_page_trails,
    writes_inside_a_fetched_page_do_not_disturb_the_next,
    a_directory_vanishes_with_its_last_key,
    entries_tell_size_etag_and_time,
    options_that_cannot_be_are_refused_before_any_io,
    more_entries_than_the_limit_are_refused,
];

async fn filled(cx: &Context, keys: &[&str]) -> skyport_core::Result<Bucket> {
    let bucket = bucket(cx).await?;
    for key in keys {
        bucket.put(key, (*key).to_owned()).await?;
    }
    Ok(bucket)
}

async fn keys_come_in_utf_8_byte_order(cx: Context) -> CaseResult {
    // UTF-16 would put the last before the one before it.
    let mut keys = ["a", "B", "a/b", "a-b", "a0", "é", "z", "\u{ffee}", "\u{10000}", "1", "10", "2"];
    let bucket = filled(&cx, &keys).await?;
    keys.sort_unstable();
    assert_eq!(all_keys(&bucket).await?, keys);
    Ok(Outcome::Passed)
}

async fn a_prefix_selects(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "ab", "ab/c", "abc", "b", "%", "%a", "_", "x_y", "xzy"]).await?;
    let with = async |prefix: &str| {
        let entries = bucket.list().prefix(prefix).collect(100).await?;
        skyport_core::Result::<_>::Ok(keys_of(&entries))
    };
    assert_eq!(with("ab").await?, ["ab", "ab/c", "abc"]);
    assert_eq!(with("%").await?, ["%", "%a"]);
    assert_eq!(with("x_").await?, ["x_y"]);
    assert!(with("c").await?.is_empty());
    assert_eq!(with("").await?.len(), 10);
    Ok(Outcome::Passed)
}

async fn a_delimiter_makes_directories_once(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "d/1", "d/2", "d/e/1", "f", "g/1"]).await?;
    let top = bucket.list().delimiter("/").collect(100).await?;
    assert_eq!(keys_of(&top), ["a", "d/", "f", "g/"]);
    assert_eq!(top.iter().map(ListEntry::is_directory).collect::<Vec<_>>(), [false, true, false, true]);
    let below = bucket.list().prefix("d/").delimiter("/").collect(100).await?;
    assert_eq!(keys_of(&below), ["d/1", "d/2", "d/e/"]);
    let named = bucket.list().prefix("d").delimiter("/").collect(100).await?;
    assert_eq!(keys_of(&named), ["d/"]);
    Ok(Outcome::Passed)
}

async fn the_delimiter_counts_in_the_order(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["t/1", "t-/1", "t", "t0"]).await?;
    let entries = bucket.list().delimiter("/").collect(100).await?;
    assert_eq!(keys_of(&entries), ["t", "t-/", "t/", "t0"]);
    Ok(Outcome::Passed)
}

async fn paged(bucket: &Bucket, size: usize, delimiter: Option<&str>) -> skyport_core::Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut list = bucket.list().page_size(size);
        if let Some(delimiter) = delimiter {
            list = list.delimiter(delimiter);
        }
        if let Some(token) = token {
            list = list.token(token);
        }
        let page = list.page().await?;
        assert!(page.entries.len() <= size);
        keys.extend(keys_of(&page.entries));
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(keys),
        }
    }
}

async fn the_answer_is_the_same_for_every_page_size(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "b/1", "b/2", "b/3", "c", "d/1", "d-/1", "e", "é/1", "é/2"]).await?;
    let flat = all_keys(&bucket).await?;
    let directories = keys_of(&bucket.list().delimiter("/").collect(100).await?);
    assert_eq!(directories, ["a", "b/", "c", "d-/", "d/", "e", "é/"]);
    for size in 1..=10 {
        assert_eq!(paged(&bucket, size, None).await?, flat, "pages of {size}");
        assert_eq!(paged(&bucket, size, Some("/")).await?, directories, "pages of {size}");
        let streamed: Vec<_> = bucket.list().page_size(size).stream().collect().await;
        let streamed = streamed.into_iter().collect::<skyport_core::Result<Vec<_>>>()?;
        assert_eq!(keys_of(&streamed), flat);
    }
    Ok(Outcome::Passed)
}

async fn start_after_is_exclusive_and_need_not_exist(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "b", "c/1", "c/2", "d"]).await?;
    let after = async |key: &str, delimiter: bool| {
        let mut list = bucket.list().start_after(key);
        if delimiter {
            list = list.delimiter("/");
        }
        skyport_core::Result::<_>::Ok(keys_of(&list.collect(100).await?))
    };
    assert_eq!(after("a", false).await?, ["b", "c/1", "c/2", "d"]);
    assert_eq!(after("bb", false).await?, ["c/1", "c/2", "d"]);
    assert!(after("z", false).await?.is_empty());
    assert_eq!(after("b", true).await?, ["c/", "d"]);
    // A directory counts as its name.
    assert_eq!(after("c/", true).await?, ["d"]);
    let within = bucket.list().prefix("c/").start_after("c/1").collect(100).await?;
    assert_eq!(keys_of(&within), ["c/2"]);
    Ok(Outcome::Passed)
}

async fn a_token_resumes_and_is_bound_to_its_listing(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a1", "a2", "a3", "b1"]).await?;
    let page = bucket.list().prefix("a").page_size(1).page().await?;
    let token = page.next.expect("there is more");
    let rest = bucket.list().prefix("a").token(&token).collect(100).await?;
    assert_eq!(keys_of(&rest), ["a2", "a3"]);
    // A listing is resumed with the same token as often as one likes.
    assert_eq!(bucket.list().prefix("a").token(&token).collect(100).await?, rest);
    let nonsense = bucket.list().prefix("a").token("no token of ours").page().await;
    assert_eq!(kind(nonsense), ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn no_empty_page_trails(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "b", "c/1", "c/2"]).await?;
    let page = bucket.list().page_size(4).page().await?;
    assert_eq!((page.entries.len(), page.next), (4, None));
    let page = bucket.list().delimiter("/").page_size(3).page().await?;
    assert_eq!((page.entries.len(), page.next), (3, None));
    Ok(Outcome::Passed)
}

async fn writes_inside_a_fetched_page_do_not_disturb_the_next(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "c", "e", "g"]).await?;
    let page = bucket.list().page_size(2).page().await?;
    assert_eq!(keys_of(&page.entries), ["a", "c"]);
    bucket.put("b", "new").await?;
    bucket.delete("c").await?;
    let token = page.next.expect("there is more");
    let rest = bucket.list().token(token).collect(100).await?;
    assert_eq!(keys_of(&rest), ["e", "g"]);
    Ok(Outcome::Passed)
}

async fn a_directory_vanishes_with_its_last_key(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["d/1", "d/2"]).await?;
    bucket.delete("d/1").await?;
    assert_eq!(keys_of(&bucket.list().delimiter("/").collect(9).await?), ["d/"]);
    bucket.delete("d/2").await?;
    assert!(bucket.list().delimiter("/").collect(9).await?.is_empty());
    Ok(Outcome::Passed)
}

async fn entries_tell_size_etag_and_time(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let before = bucket.info().clock.now();
    let etag = bucket.put("k", "12345").await?.etag;
    let entries = bucket.list().collect(9).await?;
    let [ListEntry::Object { key, size, etag: listed, modified }] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!((key.as_str(), *size, listed), ("k", 5, &etag));
    let head = bucket.head("k").await?;
    assert_eq!(head.etag, etag);
    // Clouds tell seconds in places; their clocks are not ours.
    let apart = |a: std::time::SystemTime, b: std::time::SystemTime| {
        a.duration_since(b).or_else(|_| b.duration_since(a)).unwrap_or_default()
    };
    assert!(apart(*modified, head.modified).as_secs() <= 1);
    assert!(apart(head.modified, before).as_secs() <= 60);
    Ok(Outcome::Passed)
}

async fn options_that_cannot_be_are_refused_before_any_io(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    assert_eq!(kind(bucket.list().delimiter("").page().await), ErrorKind::InvalidArgument);
    assert_eq!(kind(bucket.list().page_size(0).page().await), ErrorKind::InvalidArgument);
    assert_eq!(kind(bucket.list().page_size(0).collect(9).await), ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn more_entries_than_the_limit_are_refused(cx: Context) -> CaseResult {
    let bucket = filled(&cx, &["a", "b", "c"]).await?;
    assert_eq!(bucket.list().collect(3).await?.len(), 3);
    assert_eq!(kind(bucket.list().collect(2).await), ErrorKind::TooLarge);
    Ok(Outcome::Passed)
}
