//! Changes of a bucket's objects, however they come.

use skyport_core::Outcome;
use skyport_core::app::{Event, Invocation, Sourced};
use skyport_core::blob::port::BlobStore;
use skyport_gcp_wire::storage::Notice;

use crate::served::Served;

/// Tells each of these functions. Of what becomes of each the worst is told: again, for good, done.
pub(crate) async fn tell(
    served: &Served,
    to: Vec<Sourced<'_, dyn BlobStore>>,
    notice: &Notice,
    attempt: u32,
    invocation: &Invocation,
) -> Outcome {
    let mut worst = Outcome::Done;
    for (function, bucket) in to {
        let event = match notice.event.clone().seen_from(&**bucket, notice.may_live).await {
            Ok(Some(event)) => event,
            Ok(None) => continue,
            Err(error) => {
                worst = worst.worse(Outcome::retry(error.to_string()));
                continue;
            }
        };
        let mut invocation = invocation.clone();
        // One that takes too long does not cancel the next.
        invocation.cancellation = invocation.cancellation.child();
        invocation.attempt = attempt.max(1);
        let told = served.functions.event(function, Event::Blob(event), invocation).await;
        worst = worst.worse(told.unwrap_or_else(|error| Outcome::retry(error.to_string())));
    }
    worst
}
