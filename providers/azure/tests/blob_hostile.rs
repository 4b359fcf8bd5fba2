//! Answers of Blob Storage that nobody expects, listings above all.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::blob::port::{BlobStore, ByteRange, GetOptions, ListOptions, PutOptions};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "stub/http.rs"]
mod stub;
use stub::{Answer, Asked, answer, blob, bucket, done, listed, page, refusal};

fn of_size(page_size: usize) -> ListOptions {
    let mut options = ListOptions::default();
    options.page_size = page_size;
    options
}

/// The parameter of a request's query, as it was sent.
fn parameter<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let (_, query) = asked.target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

async fn keys(store: &dyn BlobStore, mut options: ListOptions) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let page = store.list(options.clone()).await.expect("a page");
        keys.extend(page.entries.iter().map(|entry| entry.key().to_owned()));
        options.token = page.next;
        if options.token.is_none() {
            return keys;
        }
    }
}

#[tokio::test]
async fn a_listing_that_is_none_or_never_ends_is_an_error() {
    let endless = || Answer::Endless(answer(200, "<EnumerationResults><Blobs><Blob>".repeat(1_000)));
    let too_many = || page(&listed("a").repeat(4), "").into();
    let nonsense = || answer(200, "{}").into();
    let cut = || answer(200, "<EnumerationResults><Blobs>").into();
    let answers: [fn() -> Answer; 4] = [endless, too_many, nonsense, cut];
    for answer in answers {
        let (store, _) = bucket(move |_: &Asked| answer()).await;
        let error = store.list(of_size(1)).await.expect_err("no listing");
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    let (store, _) = bucket(|_: &Asked| Answer::Endless(refusal(500, "InternalError"))).await;
    assert_eq!(store.list(of_size(1)).await.expect_err("refused").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_answer_to_a_write_that_never_ends_is_not_kept() {
    let (store, _) = bucket(|_: &Asked| {
        Answer::Endless(blob(201, "e", "").body(Bytes::from(vec![b'x'; 64 << 10])).unwrap())
    })
    .await;
    let error = store.put("k", Bytes::from("v"), PutOptions::default()).await.expect_err("endless");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, true), "it was written");
}

#[tokio::test]
async fn a_start_is_sent_where_it_is_among_the_keys_that_are_listed() {
    let (store, log) = bucket(|asked: &Asked| match parameter(asked, "marker") {
        None => page(&listed("p/b"), "m"),
        Some(_) => page(&listed("p/c"), ""),
    })
    .await;
    for (after, start, told) in
        [("p/a", Some("p%2Fa"), &["p/b", "p/c"][..]), ("o", None, &["p/b", "p/c"]), ("q", None, &[])]
    {
        let asked = log.all().len();
        let mut options = of_size(10);
        options.prefix = "p/".to_owned();
        options.start_after = Some(after.to_owned());
        assert_eq!(keys(&*store, options).await, told, "{after}");
        let asked = log.all().split_off(asked);
        assert_eq!(parameter(&asked[0], "startFrom"), start, "{after}");
        // Past all of them it is only looked whether there is such a container.
        assert_eq!(asked.len(), if told.is_empty() { 1 } else { 2 });
        assert!(asked.iter().skip(1).all(|asked| parameter(asked, "startFrom").is_none()));
    }
    let (store, _) = bucket(|_: &Asked| refusal(404, "ContainerNotFound")).await;
    let mut past = of_size(10);
    (past.prefix, past.start_after) = ("p/".to_owned(), Some("q".to_owned()));
    assert_eq!(store.list(past).await.expect_err("no container").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn other_bytes_than_were_asked_for_are_an_error() {
    let range = |from, to| {
        let mut options = GetOptions::default();
        options.range = ByteRange::From(from, Some(to));
        options
    };
    for (content_range, length) in
        [("bytes 1-3/10", 3), ("bytes 0-2/10", 2), ("bytes */10", 3), ("", 3), ("bytes 0-2/2", 3)]
    {
        let (store, _) = bucket(move |_: &Asked| {
            let answer = blob(206, "e", "").header("content-length", length.to_string());
            let answer =
                if content_range.is_empty() { answer } else { answer.header("content-range", content_range) };
            answer.body(Bytes::from("abc").slice(..length)).unwrap()
        })
        .await;
        // The whole of an object of three bytes is what was asked for, too.
        let found = store.get("k", range(0, if content_range.is_empty() { 2 } else { 3 })).await;
        assert_eq!(found.map(drop).expect_err(content_range).kind(), ErrorKind::Malformed, "{content_range}");
    }
    let (store, _) = bucket(|_: &Asked| done(http::Response::builder().header("content-length", "0"))).await;
    assert_eq!(store.head("k").await.expect_err("no etag").kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_delimiter_of_several_letters_is_sent_whole_and_its_directories_are_told() {
    let (store, log) = bucket(|_: &Asked| {
        let directory = "<BlobPrefix><Name>a--</Name></BlobPrefix>";
        page(&format!("{}{directory}{}", listed("a-"), listed("b")), "")
    })
    .await;
    let mut options = of_size(10);
    options.delimiter = Some("--".to_owned());
    let page = store.list(options).await.expect("a page");
    let told: Vec<(&str, bool)> =
        page.entries.iter().map(|entry| (entry.key(), entry.is_directory())).collect();
    assert_eq!(told, [("a-", false), ("a--", true), ("b", false)]);
    assert_eq!(parameter(&log.all()[0], "delimiter"), Some("--"));
}

#[tokio::test]
async fn pages_go_on_from_the_last_entry_and_empty_ones_by_marker() {
    let (store, log) =
        bucket(|asked: &Asked| match (parameter(asked, "startFrom"), parameter(asked, "marker")) {
            // Azure may put nothing on a page, and yet go on.
            (None, None) => page("", "m1"),
            (None, Some("m1")) => page(&["a", "b", "c"].map(listed).concat(), "m2"),
            (Some("b"), None) => page(&["b", "c"].map(listed).concat(), ""),
            other => panic!("{other:?}"),
        })
        .await;
    assert_eq!(keys(&*store, of_size(2)).await, ["a", "b", "c"]);
    assert_eq!(log.all().len(), 3);
}

#[tokio::test]
async fn a_service_that_knows_no_start_is_listed_all_the_same() {
    // It puts three on a page, and goes on by its own marker.
    let (store, _) = bucket(|asked: &Asked| {
        let all = ["a", "b", "c", "d", "e", "f", "g"];
        let from = parameter(asked, "marker").map_or(0, |marker| marker.parse().unwrap());
        let most: usize = parameter(asked, "maxresults").unwrap().parse().unwrap();
        let to = (from + most.min(3)).min(all.len());
        let marker = if to < all.len() { to.to_string() } else { String::new() };
        page(&all[from..to].iter().map(|key| listed(key)).collect::<String>(), &marker)
    })
    .await;
    for size in 1..9 {
        assert_eq!(keys(&*store, of_size(size)).await, ["a", "b", "c", "d", "e", "f", "g"], "{size}");
    }
}

#[tokio::test]
async fn an_order_by_utf_16_is_told_in_that_of_utf_8() {
    let keys_of_utf_16 = ["a", "x\u{10000}", "x\u{1f600}/y", "x\u{ff21}", "z"];
    let (store, _) = bucket(move |asked: &Asked| {
        let decode =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let start = parameter(asked, "startFrom").map(decode).unwrap_or_default();
        let from: Vec<&str> =
            keys_of_utf_16.into_iter().filter(|key| key.encode_utf16().ge(start.encode_utf16())).collect();
        let most: usize = parameter(asked, "maxresults").unwrap().parse().unwrap();
        // So many are left: a marker stands for itself, without a start beside it.
        let from = match parameter(asked, "marker") {
            Some(left) => keys_of_utf_16[keys_of_utf_16.len() - left.parse::<usize>().unwrap()..].to_vec(),
            None => from,
        };
        let to = most.min(2).min(from.len());
        let next = if to < from.len() { (from.len() - to).to_string() } else { String::new() };
        page(&from[..to].iter().map(|key| listed(key)).collect::<String>(), &next)
    })
    .await;
    for size in 1..7 {
        let told = keys(&*store, of_size(size)).await;
        assert_eq!(told, ["a", "x\u{ff21}", "x\u{10000}", "x\u{1f600}/y", "z"], "{size}");
    }
}
