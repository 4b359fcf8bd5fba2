//! The nightly sweep: what events may have missed.

use std::pin::pin;

use futures_util::TryStreamExt;
use skyport::prelude::*;

use crate::app::Photos;
use crate::catalogue::{PARTITION, reconcile};

/// Looks at every name in any of the three places.
pub(crate) async fn sweep(_: ScheduleEvent, cx: Context<Photos>) -> Result<()> {
    for bucket in [&cx.originals, &cx.thumbnails] {
        let mut objects = pin!(bucket.list().stream());
        while let Some(object) = objects.try_next().await? {
            reconcile(object.key(), &cx).await?;
        }
    }
    let mut entries = pin!(cx.catalogue.query(PARTITION).stream());
    while let Some(entry) = entries.try_next().await? {
        reconcile(&entry.key.sort, &cx).await?;
    }
    Ok(())
}
