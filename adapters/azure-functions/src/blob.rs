//! Changes of a bucket's objects, as Event Grid tells of them.

use std::sync::Arc;

use skyport_azure_wire::event_grid::{self, Notice, Told};
use skyport_core::app::{Event, FunctionRef, Functions, Invocation};
use skyport_core::blob::port::BlobStore;
use skyport_core::event::BlobChange;
use skyport_core::{Error, ErrorKind, Outcome};

use crate::event::{Envelope, once};
use crate::reply::Answer;
use crate::settle;

/// A function, and what it is told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener<'f> {
    pub(crate) function: FunctionRef<'f>,
    pub(crate) bucket: &'f Arc<dyn BlobStore>,
    pub(crate) change: BlobChange,
}

/// Tells the function of the events of a call. Of what becomes of each the worst is told: again, for good, done.
pub(crate) async fn deliver(
    functions: &Functions,
    listener: Listener<'_>,
    envelope: &Envelope<'_>,
    invocation: &Invocation,
) -> Answer {
    let text = envelope.data.and_then(once::text);
    let told =
        text.ok_or_else(|| Error::new(ErrorKind::Malformed, "the call of a bucket's function has no event"));
    let told = match told {
        Ok(text) => event_grid::in_text(&text),
        Err(error) => return Answer::malformed(&error),
    };
    // What cannot be read today cannot be read tomorrow, and Event Grid would repeat it for a day.
    let mut worst = Outcome::Done;
    for told in told.unwrap_or_else(|error| vec![Err(error)]) {
        let notice = match told {
            Ok(Told::Notice(notice)) => notice,
            Ok(Told::Nothing) => continue,
            Err(error) => {
                tracing::error!(%error, "an event of Event Grid cannot be read, and is not repeated");
                continue;
            }
            Ok(Told::Foreign) => {
                tracing::warn!("an event of another source than Blob Storage was passed over");
                continue;
            }
        };
        // A subscription may bring more than the function wants to be told.
        if notice.is_of(listener.bucket.info()) && notice.event.change == listener.change {
            worst = worst
                .worse(tell(functions, listener, *notice, envelope.metadata.attempt(), invocation).await);
        }
    }
    settle::unattended(worst, "a bucket's event")
}

async fn tell(
    functions: &Functions,
    listener: Listener<'_>,
    notice: Notice,
    attempt: u32,
    invocation: &Invocation,
) -> Outcome {
    let event = match notice.event.seen_from(&**listener.bucket, notice.may_live).await {
        Ok(Some(event)) => event,
        Ok(None) => return Outcome::Done,
        Err(error) => return Outcome::retry(error.to_string()),
    };
    let mut invocation = invocation.clone();
    // One that takes too long does not cancel the next.
    invocation.cancellation = invocation.cancellation.child();
    invocation.attempt = attempt;
    let told = functions.event(listener.function, Event::Blob(event), invocation).await;
    told.unwrap_or_else(|error| Outcome::retry(error.to_string()))
}
