//! Copying and deleting.

use std::sync::Arc;

use skyport_core::blob::Bucket;
use skyport_core::blob::port::BlobStore;
use skyport_core::layers::{Layer, Prefix};
use skyport_core::{ErrorKind, Result};

use super::{all_keys, bucket, kind, missing_bucket, pattern};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    a_copy_is_an_object_of_its_own,
    a_copy_replaces_its_target,
    a_copy_of_a_missing_source_leaves_the_target,
    an_object_of_many_parts_is_copied,
    a_copy_from_another_bucket_brings_bytes_and_properties,
    conditions_hold_for_copies_from_another_bucket,
    a_copy_from_a_missing_bucket_names_that_bucket,
    a_copy_between_accounts_is_refused_before_any_io,
    a_copy_between_parts_of_buckets_uses_the_keys_of_each,
    deleting_a_missing_object_is_ok,
    delete_many_gives_a_result_for_each_key,
    reads_see_the_last_finished_write,
];

async fn a_copy_is_an_object_of_its_own(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("from", "one").metadata("who", "first").await?;
    bucket.copy("from", "to").await?;
    bucket.put("from", "two").metadata("who", "second").await?;
    let copied = bucket.get("to").await?;
    assert_eq!(copied.metadata()["who"], "first");
    assert_eq!(copied.text().await?, "one");
    bucket.delete("from").await?;
    assert_eq!(bucket.get("to").text().await?, "one");
    Ok(Outcome::Passed)
}

async fn a_copy_replaces_its_target(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("from", "one").metadata("a", "1").await?;
    let old = bucket.put("to", "longer than one").metadata("b", "2").await?.etag;
    let written = bucket.copy("from", "to").await?;
    let head = bucket.head("to").await?;
    assert_eq!((head.size, &head.etag), (3, &written.etag));
    assert_ne!(head.etag, old);
    assert_eq!(head.properties.metadata.keys().collect::<Vec<_>>(), ["a"]);
    Ok(Outcome::Passed)
}

async fn a_copy_of_a_missing_source_leaves_the_target(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("to", "stays").await?;
    assert_eq!(kind(bucket.copy("from", "to").await), ErrorKind::NotFound);
    assert_eq!(bucket.get("to").text().await?, "stays");
    Ok(Outcome::Passed)
}

async fn an_object_of_many_parts_is_copied(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let bytes = pattern(2 * bucket.limits().part_bytes + 1);
    bucket.put("from", bytes.clone()).await?;
    bucket.copy("from", "to").await?;
    assert!(bucket.get("to").bytes().await? == bytes);
    Ok(Outcome::Passed)
}

async fn a_copy_from_another_bucket_brings_bytes_and_properties(cx: Context) -> CaseResult {
    let (source, target) = (bucket(&cx).await?, bucket(&cx).await?);
    let large = pattern(source.limits().part_bytes + 1);
    source.put("from", "one").content_type("text/x-test").metadata("who", "grüße").await?;
    source.put("large", large.clone()).await?;
    source.put("to", "not this one").await?;
    target.put("from", "nor this one").await?;
    let written = target.copy_from(&source, "from", "to").await?;
    target.copy_from(&source, "large", "large").await?;
    let copied = target.get("to").await?;
    assert_eq!((copied.etag(), copied.content_type()), (&written.etag, Some("text/x-test")));
    assert_eq!(copied.metadata()["who"], "grüße");
    assert_eq!(copied.text().await?, "one");
    assert!(target.get("large").bytes().await? == large);
    // Neither bucket is touched otherwise, and the copy does not hang on its source.
    source.delete("from").await?;
    assert_eq!(target.get("to").text().await?, "one");
    assert_eq!(all_keys(&source).await?, ["large", "to"]);
    assert_eq!(all_keys(&target).await?, ["from", "large", "to"]);
    // From itself is from itself.
    target.copy_from(&target, "to", "again").await?;
    assert_eq!(target.get("again").text().await?, "one");
    Ok(Outcome::Passed)
}

async fn conditions_hold_for_copies_from_another_bucket(cx: Context) -> CaseResult {
    let (source, target) = (bucket(&cx).await?, bucket(&cx).await?);
    let first = source.put("k", "one").await?.etag;
    let copied = target.copy_from(&source, "k", "k").if_absent().source_if_match(&first).await?.etag;
    let again = target.copy_from(&source, "k", "k").if_absent();
    assert_eq!(kind(again.await), ErrorKind::AlreadyExists);
    source.put("k", "two").await?;
    let stale = target.copy_from(&source, "k", "k").source_if_match(&first);
    assert_eq!(kind(stale.await), ErrorKind::PreconditionFailed);
    assert_eq!(target.get("k").text().await?, "one");
    target.copy_from(&source, "k", "k").if_match(&copied).await?;
    assert_eq!(target.get("k").text().await?, "two");
    let error = target.copy_from(&source, "nothing", "k").await.expect_err("no source");
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, Some("nothing")));
    assert_eq!(error.resource(), Some(source.name()), "the bucket where it is missing");
    assert_eq!(target.get("k").text().await?, "two");
    Ok(Outcome::Passed)
}

async fn a_copy_from_a_missing_bucket_names_that_bucket(cx: Context) -> CaseResult {
    let (here, gone) = (bucket(&cx).await?, missing_bucket(&cx)?);
    here.put("k", "v").await?;
    let error = here.copy_from(&gone, "k", "k").await.expect_err("no source");
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
    assert_eq!(error.resource(), Some(gone.name()));
    let error = gone.copy_from(&here, "k", "k").await.expect_err("no target");
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
    assert_eq!(error.resource(), Some(gone.name()));
    Ok(Outcome::Passed)
}

async fn a_copy_between_accounts_is_refused_before_any_io(cx: Context) -> CaseResult {
    let info = missing_bucket(&cx)?.info().clone();
    let here = Bucket::new(Inert::like(&info, |_| {}));
    let account = Bucket::new(Inert::like(&info, |info| info.account.push_str("-other")));
    let provider = Bucket::new(Inert::like(&info, |info| info.provider = "another"));
    for other in [account, provider] {
        let error = here.copy_from(&other, "k", "k").await.expect_err("another account");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("put its body"), "it says what to do: {error}");
    }
    assert_eq!(kind(here.copy_from(&here, "", "k").await), ErrorKind::InvalidArgument);
    assert_eq!(kind(here.copy_from(&here, "k", "a//b").await), ErrorKind::InvalidArgument);
    Ok(Outcome::Passed)
}

async fn a_copy_between_parts_of_buckets_uses_the_keys_of_each(cx: Context) -> CaseResult {
    let (one, two) = (cx.bucket().await?, cx.bucket().await?);
    let part = |prefix: &str, of: &Arc<dyn BlobStore>| -> Result<Bucket> {
        let inner = Prefix::new("outer")?.blob(Arc::clone(of));
        Ok(Bucket::new(Prefix::new(prefix)?.blob(inner)))
    };
    let (source, target, sibling) = (part("a", &one)?, part("b", &two)?, part("c", &one)?);
    source.put("k", "one").await?;
    target.copy_from(&source, "k", "l").await?;
    sibling.copy_from(&source, "k", "m").await?;
    Bucket::new(Arc::clone(&two)).copy_from(&source, "k", "whole").await?;
    source.copy("k", "within").await?;
    assert_eq!(all_keys(&Bucket::new(two)).await?, ["outer/b/l", "whole"]);
    assert_eq!(all_keys(&Bucket::new(one)).await?, ["outer/a/k", "outer/a/within", "outer/c/m"]);
    assert_eq!(sibling.get("m").text().await?, "one");
    Ok(Outcome::Passed)
}

async fn deleting_a_missing_object_is_ok(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.delete("never/there").await?;
    bucket.put("k", "v").await?;
    bucket.delete("k").await?;
    bucket.delete("k").await?;
    assert_eq!(kind(bucket.get("k").await), ErrorKind::NotFound);
    Ok(Outcome::Passed)
}

async fn delete_many_gives_a_result_for_each_key(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    // More than any cloud takes in one call.
    let keys: Vec<String> = (0..1_100).map(|number| format!("k/{number:04}")).collect();
    for key in keys.iter().step_by(10) {
        bucket.put(key, "v").await?;
    }
    bucket.put("stays", "v").await?;
    let mut wanted = keys.clone();
    wanted.insert(3, String::new());
    let results = bucket.delete_many(wanted).await;
    assert_eq!(results.len(), keys.len() + 1);
    for (at, result) in results.into_iter().enumerate() {
        match at {
            3 => assert_eq!(kind(result), ErrorKind::InvalidArgument),
            _ => result?,
        }
    }
    assert_eq!(all_keys(&bucket).await?, ["stays"]);
    assert!(bucket.delete_many(Vec::<String>::new()).await.is_empty());
    Ok(Outcome::Passed)
}

async fn reads_see_the_last_finished_write(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    let other = bucket.clone();
    for round in 0..20 {
        let text = format!("round {round}");
        bucket.put("k", text.clone()).await?;
        assert_eq!(other.get("k").text().await?, text);
        assert_eq!(other.head("k").await?.size, text.len() as u64);
        assert_eq!(all_keys(&other).await?, ["k"]);
        bucket.delete("k").await?;
        assert!(!other.exists("k").await?);
        assert!(all_keys(&other).await?.is_empty());
    }
    Ok(Outcome::Passed)
}
