//! Which keys may be written, and that they come back as they were.

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::blob::port::PutOptions;

use super::{all_keys, bucket, kind, missing_bucket};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    odd_keys_round_trip,
    long_keys_round_trip,
    a_key_and_keys_below_it_live_side_by_side,
    keys_outside_the_rules_are_refused_before_any_io,
    keys_that_others_wrote_are_read_and_listed_as_they_are,
];

async fn odd_keys_round_trip(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let mut keys: Vec<String> = [
        "a/b/c",
        "a b",
        " ",
        "☺☺☺",
        "x__0x41",
        "x__0x41__y",
        "'\"",
        "%41",
        "%2F",
        "a+b",
        "..x",
        "é",
        "e\u{301}",
        "\u{10ffff}",
        "%",
        "a?b#c",
        "CON",
        "Case",
        "case",
    ]
    .map(str::to_owned)
    .to_vec();
    // Every punctuation of ASCII, between letters so that the rules on segments do not matter.
    let punctuation = (b'!'..=b'~').filter(|b| b.is_ascii_punctuation() && *b != b'\\');
    keys.extend(punctuation.map(|b| format!("p{}q", b as char)));
    for key in &keys {
        bucket.put(key, key.clone()).await?;
    }
    for key in &keys {
        assert_eq!(bucket.get(key).text().await?, *key);
        assert_eq!(bucket.head(key).await?.size, key.len() as u64);
    }
    keys.sort();
    keys.dedup();
    assert_eq!(all_keys(&bucket).await?, keys);
    for key in &keys {
        bucket.delete(key).await?;
        assert!(!bucket.exists(key).await?, "{key}");
    }
    assert!(all_keys(&bucket).await?.is_empty());
    Ok(Outcome::Passed)
}

async fn long_keys_round_trip(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let keys = ["k".repeat(1024), "ü".repeat(512), ["s"; 254].join("/")];
    for key in &keys {
        bucket.put(key, "long").await?;
        assert_eq!(bucket.get(key).text().await?, "long");
    }
    assert_eq!(all_keys(&bucket).await?.len(), keys.len());
    Ok(Outcome::Passed)
}

async fn a_key_and_keys_below_it_live_side_by_side(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    if !bucket.capabilities().flat.is_supported() {
        return Ok(Outcome::Skipped("the namespace is not flat"));
    }
    for key in ["a", "a/b", "a/b/c"] {
        bucket.put(key, key).await?;
    }
    bucket.delete("a/b").await?;
    assert_eq!(all_keys(&bucket).await?, ["a", "a/b/c"]);
    assert_eq!(bucket.get("a").text().await?, "a");
    Ok(Outcome::Passed)
}

async fn keys_outside_the_rules_are_refused_before_any_io(cx: Context) -> CaseResult {
    // The bucket is missing: had anything been asked of it, the answer would be NotFound.
    let bucket = missing_bucket(&cx)?;
    let long = "k".repeat(1025);
    let deep = ["s"; 255].join("/");
    let bad = [
        "", "/a", "a/", "a//b", ".", "..", "a/./b", "a/..", "a.", "dir./b", "a\\b", "a\nb", "a\0b", "\u{7f}",
        "\u{85}", &long, &deep,
    ];
    for key in bad {
        assert_eq!(kind(bucket.put(key, "x").await), ErrorKind::InvalidArgument, "{key:?}");
        assert_eq!(kind(bucket.copy("a", key).await), ErrorKind::InvalidArgument, "{key:?}");
        assert_eq!(kind(bucket.writer(key).await), ErrorKind::InvalidArgument, "{key:?}");
    }
    let error = bucket.put(&long, "x").await.expect_err("too long");
    assert!(error.message().contains("1024"), "{error}");
    let error = bucket.put(&deep, "x").await.expect_err("too deep");
    assert!(error.message().contains("254"), "{error}");
    for result in [bucket.head("").await.map(drop), bucket.delete("").await] {
        assert_eq!(kind(result), ErrorKind::InvalidArgument);
    }
    Ok(Outcome::Passed)
}

async fn keys_that_others_wrote_are_read_and_listed_as_they_are(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    // As another program would write them: past the rules of the handle.
    let keys = ["a//b", "dir/"];
    for key in keys {
        let written = bucket.port().put(key, Bytes::from_static(b"foreign"), PutOptions::default());
        written.await?;
    }
    assert_eq!(all_keys(&bucket).await?, keys);
    for key in keys {
        assert_eq!(bucket.get(key).text().await?, "foreign");
        assert!(bucket.exists(key).await?);
        bucket.copy(key, "taken/over").await?;
        bucket.delete(key).await?;
    }
    assert_eq!(all_keys(&bucket).await?, ["taken/over"]);
    Ok(Outcome::Passed)
}
