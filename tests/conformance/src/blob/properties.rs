//! Content type and the like, user metadata.

use skyport_core::ErrorKind;
use skyport_core::blob::Bucket;

use super::{bucket, kind, missing_bucket, pattern};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    properties_come_back_as_they_were,
    properties_of_an_upload_in_parts_come_back,
    an_overwrite_replaces_all_properties,
    what_was_not_asked_for_is_not_told,
    a_cache_control_that_services_add_is_told_where_it_was_asked_for,
    metadata_at_its_limit_comes_back,
    any_text_is_a_value_of_metadata,
    metadata_outside_the_rules_is_refused_before_any_io,
    header_values_that_are_none_are_refused,
    stored_bytes_are_never_decoded,
];

async fn expect(bucket: &Bucket, key: &str) -> CaseResult {
    let object = bucket.get(key).await?;
    let head = bucket.head(key).await?;
    assert_eq!(object.meta().properties, head.properties);
    assert_eq!(object.etag(), &head.etag);
    assert_eq!(object.content_type(), Some("text/plain; charset=utf-8"));
    assert_eq!(head.properties.cache_control.as_deref(), Some("max-age=60"));
    assert_eq!(head.properties.content_disposition.as_deref(), Some("attachment; filename=\"a b.txt\""));
    assert_eq!(head.properties.content_encoding.as_deref(), Some("identity"));
    let metadata: Vec<(&str, &str)> = object.metadata().iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(metadata, [("colour", "schön ☺ 100% = \"x\""), ("empty", ""), ("n_1", " spaces ")]);
    Ok(Outcome::Passed)
}

async fn properties_come_back_as_they_were(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket
        .put("k", "v")
        .content_type("text/plain; charset=utf-8")
        .cache_control("max-age=60")
        .content_disposition("attachment; filename=\"a b.txt\"")
        .content_encoding("identity")
        .metadata("colour", "schön ☺ 100% = \"x\"")
        .metadata("empty", "")
        .metadata("n_1", " spaces ")
        .await?;
    expect(&bucket, "k").await?;
    bucket.copy("k", "copied").await?;
    expect(&bucket, "copied").await
}

async fn properties_of_an_upload_in_parts_come_back(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let large = pattern(bucket.limits().part_bytes + 1);
    bucket
        .put("k", large)
        .content_type("text/plain; charset=utf-8")
        .cache_control("max-age=60")
        .content_disposition("attachment; filename=\"a b.txt\"")
        .content_encoding("identity")
        .metadata("colour", "schön ☺ 100% = \"x\"")
        .metadata("empty", "")
        .metadata("n_1", " spaces ")
        .await?;
    expect(&bucket, "k").await
}

async fn an_overwrite_replaces_all_properties(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "v").cache_control("no-store").metadata("a", "1").await?;
    bucket.put("k", "w").metadata("b", "2").await?;
    let head = bucket.head("k").await?;
    assert_eq!(head.properties.cache_control, None);
    assert_eq!(head.properties.metadata.keys().collect::<Vec<_>>(), ["b"]);
    Ok(Outcome::Passed)
}

async fn what_was_not_asked_for_is_not_told(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "v").await?;
    bucket.copy("k", "copied").await?;
    for key in ["k", "copied"] {
        for properties in
            [bucket.get(key).await?.meta().properties.clone(), bucket.head(key).await?.properties]
        {
            assert_eq!(properties.content_type, None);
            assert_eq!(properties.cache_control, None);
            assert_eq!(properties.content_disposition, None);
            assert_eq!(properties.content_encoding, None);
            assert!(properties.metadata.is_empty());
        }
    }
    Ok(Outcome::Passed)
}

async fn a_cache_control_that_services_add_is_told_where_it_was_asked_for(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    for control in ["private, max-age=0", "public, max-age=3600"] {
        bucket.put("k", "v").cache_control(control).await?;
        bucket.copy("k", "copied").await?;
        for key in ["k", "copied"] {
            assert_eq!(bucket.get(key).await?.meta().properties.cache_control.as_deref(), Some(control));
            let head = bucket.head(key).await?;
            assert_eq!(head.properties.cache_control.as_deref(), Some(control));
            assert!(head.properties.metadata.is_empty());
        }
    }
    Ok(Outcome::Passed)
}

async fn metadata_at_its_limit_comes_back(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    // Six bytes each as encoded, and one for the name.
    let value = "ü".repeat(316);
    bucket.put("k", "v").metadata("n", &value).await?;
    assert_eq!(bucket.head("k").await?.properties.metadata["n"], value);
    Ok(Outcome::Passed)
}

async fn any_text_is_a_value_of_metadata(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let values =
        ["\r\nx: y", "\0\u{7f}\u{85}", "%41%", "=?utf-8?b?YQ==?=", "\u{10ffff}\u{feff}", "\t", "e\u{301}"];
    let mut put = bucket.put("k", "v");
    for (at, value) in values.iter().enumerate() {
        put = put.metadata(format!("n{at}"), *value);
    }
    put.await?;
    let head = bucket.head("k").await?;
    let read: Vec<&str> = head.properties.metadata.values().map(String::as_str).collect();
    assert_eq!(read, values);
    Ok(Outcome::Passed)
}

async fn metadata_outside_the_rules_is_refused_before_any_io(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    for name in ["", "A", "1a", "_a", "a-b", "ä", "skyport", "skyport_w", "a b"] {
        let put = bucket.put("k", "v").metadata(name, "x");
        assert_eq!(kind(put.await), ErrorKind::InvalidArgument, "{name:?}");
    }
    for value in ["x".repeat(1900), "ü".repeat(317)] {
        let error = bucket.put("k", "v").metadata("n", value).await.expect_err("over the limit");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.message().contains("1900"), "{error}");
    }
    Ok(Outcome::Passed)
}

async fn header_values_that_are_none_are_refused(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    for value in ["", "a\r\nb: c", "ä", " a"] {
        let put = bucket.put("k", "v").content_type(value);
        assert_eq!(kind(put.await), ErrorKind::InvalidArgument, "{value:?}");
    }
    Ok(Outcome::Passed)
}

async fn stored_bytes_are_never_decoded(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    // "hello" as gzip; a range of it must be a range of these very bytes.
    let gzip: &[u8] =
        &[31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0];
    bucket.put("k", gzip).content_encoding("gzip").content_type("text/plain").await?;
    assert_eq!(bucket.get("k").bytes().await?, gzip);
    assert_eq!(bucket.get("k").range(2..5).bytes().await?, gzip[2..5]);
    assert_eq!(bucket.head("k").await?.size, gzip.len() as u64);
    Ok(Outcome::Passed)
}
