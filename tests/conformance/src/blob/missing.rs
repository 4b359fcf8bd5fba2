//! What is missing, and what errors tell.

use std::time::Duration;

use skyport_core::{ErrorKind, Result};

use super::{bucket, kind, missing_bucket};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    a_missing_bucket_is_not_found_at_first_use,
    a_missing_object_is_not_found,
    errors_name_provider_operation_bucket_and_key,
    a_bucket_is_created_again_and_removed_twice,
];

async fn a_missing_bucket_is_not_found_at_first_use(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    let part = bucket.limits().part_bytes;
    let large = super::pattern(part + 1);
    let results: Vec<(&str, Result<()>)> = vec![
        ("put", bucket.put("k", "v").await.map(drop)),
        ("upload", bucket.put("k", large).await.map(drop)),
        ("get", bucket.get("k").await.map(drop)),
        ("head", bucket.head("k").await.map(drop)),
        ("exists", bucket.exists("k").await.map(drop)),
        ("copy", bucket.copy("k", "l").await.map(drop)),
        ("delete", bucket.delete("k").await),
        ("delete_many", bucket.delete_many(["k"]).await.remove(0)),
        ("list", bucket.list().page().await.map(drop)),
        ("writer", bucket.writer("k").await?.finish().await.map(drop)),
    ];
    for (operation, result) in results {
        let error = result.expect_err(operation);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{operation}: {error}");
        assert_eq!(error.key(), None, "{operation}: it is not the key that is missing");
    }
    Ok(Outcome::Passed)
}

async fn a_missing_object_is_not_found(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    for result in [
        bucket.get("k").await.map(drop),
        bucket.head("k").await.map(drop),
        bucket.copy("k", "l").await.map(drop),
    ] {
        let error = result.expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.key(), Some("k"));
    }
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn errors_name_provider_operation_bucket_and_key(cx: Context) -> CaseResult {
    let bucket = bucket(&cx).await?;
    bucket.put("k", "v").await?;
    let error = bucket.put("k", "v").if_absent().await.expect_err("it is there");
    assert_eq!(error.provider(), Some(bucket.info().provider));
    assert_eq!(error.operation(), Some("blob.put"));
    assert_eq!(error.resource(), Some(bucket.name()));
    assert_eq!(error.key(), Some("k"));
    assert!(!error.to_string().contains('\n'));
    assert!(!error.is_retryable());
    Ok(Outcome::Passed)
}

async fn a_bucket_is_created_again_and_removed_twice(cx: Context) -> CaseResult {
    let resource = skyport_core::provider::ResourceKind::Bucket;
    let url = cx.fresh_url(&resource);
    let provider = cx.provider();
    provider.create(&url, &resource).await?;
    let bucket = skyport_core::blob::Bucket::new(provider.bucket(&url)?);
    bucket.put("k", "v").await?;
    provider.create(&url, &resource).await?;
    assert!(bucket.exists("k").await?, "creating what is there changes nothing");
    provider.remove(&url, &resource).await?;
    provider.remove(&url, &resource).await?;
    cx.pass(Duration::from_millis(1)).await;
    assert_eq!(kind(bucket.head("k").await), ErrorKind::NotFound);
    Ok(Outcome::Passed)
}
