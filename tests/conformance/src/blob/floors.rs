//! What is promised everywhere, and the least that limits may be.

use std::time::Duration;

use super::missing_bucket;
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![what_is_promised_everywhere_is_supported, no_limit_is_under_its_floor,];

async fn what_is_promised_everywhere_is_supported(cx: Context) -> CaseResult {
    let lacking: Vec<&str> = missing_bucket(&cx)?.capabilities().lacking().collect();
    assert_eq!(lacking, [""; 0]);
    Ok(Outcome::Passed)
}

async fn no_limit_is_under_its_floor(cx: Context) -> CaseResult {
    let bucket = missing_bucket(&cx)?;
    let limits = bucket.limits();
    assert!(limits.key_bytes >= 1_024 && limits.key_segments >= 254, "{limits:?}");
    assert!(limits.copy_bytes >= 5 << 30 && limits.object_bytes >= limits.copy_bytes, "{limits:?}");
    assert!(limits.metadata_bytes >= 1_900 && limits.page_entries >= 1_000, "{limits:?}");
    assert!(limits.part_bytes > 0 && limits.part_concurrency > 0, "{limits:?}");
    assert!(limits.upload_bytes() >= 10_000 * (8 << 20), "{limits:?}");
    assert!(limits.upload_bytes() >= limits.copy_bytes, "what can be copied can be written: {limits:?}");
    assert!(limits.signed_for >= Duration::from_secs(3_600), "{limits:?}");
    Ok(Outcome::Passed)
}
