//! Messages that are to come again later than a deadline can tell.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Place;
use super::ack_id::AckId;
use super::deadlines::LONGEST;

/// So long before a deadline of the longest ends, it is set anew.
const AHEAD: Duration = Duration::from_secs(60);

/// The pause before another attempt at that.
const PAUSE: Duration = Duration::from_secs(5);

impl Place {
    /// Hides messages until `due`; their deadlines have just been set to the longest. The rest of the time is kept by this process: if
    /// it dies, they come again when those end.
    pub(super) fn hide_on(self: &Arc<Self>, mut handles: Vec<AckId>, due: Instant) {
        let place = Arc::clone(self);
        let ends = Instant::now() + LONGEST;
        drop(tokio::spawn(async move {
            sleep_until((ends - AHEAD).max(due - LONGEST)).await;
            while !handles.is_empty() && Instant::now() < ends {
                let left = due.saturating_duration_since(Instant::now());
                let set = place.set_deadlines(handles.clone(), left).await;
                let failed = |error: &skyport_core::Error| {
                    let queue = &place.info.resource;
                    tracing::debug!(queue, %error, "a message that is to come again later may come too early");
                    error.is_retryable()
                };
                let again = handles.into_iter().zip(set).filter(|(_, set)| set.as_ref().is_err_and(failed));
                handles = again.map(|(handle, _)| handle).collect();
                if !handles.is_empty() {
                    sleep(PAUSE).await;
                }
            }
        }));
    }
}
