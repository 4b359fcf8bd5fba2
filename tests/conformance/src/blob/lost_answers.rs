//! Writes that were applied although their answer was lost, through the retry layer.

use std::sync::Arc;

use skyport_core::blob::Bucket;
use skyport_core::layers::{Layer, Retry};
use skyport_core::retry::RetryPolicy;
use skyport_core::{ErrorKind, Result};

use super::{kind, pattern};
use crate::case::{CaseResult, cases};
use crate::lossy::LostAnswers;
use crate::{Context, Outcome};

cases![
    a_plain_put_is_repeated,
    a_conditional_put_recognises_itself,
    a_conditional_copy_recognises_itself,
    a_conditional_upload_recognises_itself,
    a_conditional_put_that_was_replaced_since_is_indeterminate,
    a_plain_delete_is_repeated,
    a_conditional_delete_is_indeterminate,
    without_retry_a_lost_answer_is_ambiguous,
];

/// A bucket with retries, and what loses its answers.
async fn lossy(cx: &Context) -> Result<(Bucket, Arc<LostAnswers>)> {
    let lossy = Arc::new(LostAnswers::new(cx.bucket().await?));
    let store = Retry::new(RetryPolicy::default()).blob(lossy.clone());
    Ok((Bucket::new(store), lossy))
}

async fn a_plain_put_is_repeated(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    lossy.lose_next();
    let written = bucket.put("k", "v").await?;
    assert!(lossy.has_lost());
    assert_eq!(bucket.head("k").await?.etag, written.etag);
    Ok(Outcome::Passed)
}

async fn a_conditional_put_recognises_itself(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    lossy.lose_next();
    let one = bucket.put("k", "one").if_absent().await?.etag;
    assert!(lossy.has_lost());
    assert_eq!(bucket.head("k").await?.etag, one);
    lossy.lose_next();
    let two = bucket.put("k", "two").if_match(&one).await?.etag;
    assert!(lossy.has_lost());
    let object = bucket.get("k").await?;
    assert_eq!(object.etag(), &two);
    assert_eq!(object.text().await?, "two");
    Ok(Outcome::Passed)
}

async fn a_conditional_copy_recognises_itself(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    bucket.put("from", "one").await?;
    lossy.lose_next();
    let etag = bucket.copy("from", "to").if_absent().await?.etag;
    assert!(lossy.has_lost());
    assert_eq!(bucket.head("to").await?.etag, etag);
    assert_eq!(bucket.get("to").text().await?, "one");
    let other = super::bucket(&cx).await?;
    other.put("from", "two").await?;
    lossy.lose_next();
    let etag = bucket.copy_from(&other, "from", "too").if_absent().await?.etag;
    assert!(lossy.has_lost());
    assert_eq!(bucket.head("too").await?.etag, etag);
    Ok(Outcome::Passed)
}

async fn a_conditional_upload_recognises_itself(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    let large = pattern(bucket.limits().part_bytes + 1);
    lossy.lose_next();
    let etag = bucket.put("k", large.clone()).if_absent().await?.etag;
    assert!(lossy.has_lost());
    assert_eq!(bucket.head("k").await?.etag, etag);
    assert!(bucket.get("k").bytes().await? == large);
    Ok(Outcome::Passed)
}

async fn a_conditional_put_that_was_replaced_since_is_indeterminate(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    lossy.lose_next_and_replace();
    let error = bucket.put("k", "mine").if_absent().await.expect_err("nobody can know");
    assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error}");
    assert_eq!(bucket.get("k").text().await?, "rival");
    Ok(Outcome::Passed)
}

async fn a_plain_delete_is_repeated(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    bucket.put("k", "v").await?;
    lossy.lose_next();
    bucket.delete("k").await?;
    assert!(lossy.has_lost());
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn a_conditional_delete_is_indeterminate(cx: Context) -> CaseResult {
    let (bucket, lossy) = lossy(&cx).await?;
    let etag = bucket.put("k", "v").await?.etag;
    lossy.lose_next();
    assert_eq!(kind(bucket.delete("k").if_match(&etag).await), ErrorKind::Indeterminate);
    assert!(!bucket.exists("k").await?);
    Ok(Outcome::Passed)
}

async fn without_retry_a_lost_answer_is_ambiguous(cx: Context) -> CaseResult {
    let lossy = Arc::new(LostAnswers::new(cx.bucket().await?));
    let bucket = Bucket::new(lossy.clone());
    lossy.lose_next();
    let error = bucket.put("k", "v").if_absent().await.expect_err("the answer is lost");
    assert!(error.is_ambiguous() && error.is_retryable());
    assert!(bucket.exists("k").await?);
    Ok(Outcome::Passed)
}
