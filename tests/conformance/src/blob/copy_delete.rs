//! Copying and deleting.

use skyport_core::ErrorKind;

use super::{all_keys, bucket, kind, pattern};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    a_copy_is_an_object_of_its_own,
    a_copy_replaces_its_target,
    a_copy_of_a_missing_source_leaves_the_target,
    an_object_of_many_parts_is_copied,
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
