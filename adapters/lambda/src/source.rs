//! Whose an event is, by where it comes from.

use std::sync::Arc;

use skyport_core::app::{FunctionRef, Trigger};
use skyport_core::blob::port::BlobStore;
use skyport_core::event::BlobChange;
use skyport_core::queue::port::MessageQueue;

use crate::failure::Failure;
use crate::served::Served;

/// A function, and what its events come from.
type Sourced<'s, P> = (FunctionRef<'s>, &'s Arc<P>);

/// The function of the queue of this name; `None` where none is for it.
///
/// # Errors
/// Where it is not plain which of several.
pub(crate) fn queue<'s>(
    served: &'s Served,
    name: &str,
) -> Result<Option<Sourced<'s, dyn MessageQueue>>, Failure> {
    let with_queue = |function: FunctionRef<'s>| match function.trigger() {
        Trigger::Queue { queue, .. } => Some((function, queue)),
        _ => None,
    };
    if let Some(named) = served.named() {
        let blob = matches!(named.trigger(), Trigger::Blob { .. });
        return match with_queue(named) {
            None if !blob => Err(misplaced(named, "messages")),
            found => Ok(found),
        };
    }
    let all = served.functions.iter().filter_map(with_queue);
    let of_it: Vec<_> = all.filter(|(_, queue)| is_called(&queue.info().resource, name)).collect();
    match of_it[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => Err(Failure::event(format!(
            "messages of the queue `{name}` came, and several functions are for it: set SKYPORT_FUNCTION to one of {}",
            of_it.iter().map(|(function, _)| function.name()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// A provider may know a queue by its name or by its URL, which ends in it.
fn is_called(resource: &str, name: &str) -> bool {
    !name.is_empty() && resource.rsplit('/').next() == Some(name)
}

/// The functions for the changes of one bucket, with the bucket.
///
/// # Errors
/// Where the bucket is none of the application's.
pub(crate) fn bucket<'s>(
    served: &'s Served,
    name: &str,
    change: BlobChange,
) -> Result<Vec<Sourced<'s, dyn BlobStore>>, Failure> {
    let named = served.named();
    if let Some(named) = named
        && !matches!(named.trigger(), Trigger::Blob { .. })
    {
        return Err(misplaced(named, "a bucket's events"));
    }
    let mut known = Vec::new();
    let mut of_it = Vec::new();
    for function in served.functions.iter() {
        let Trigger::Blob { bucket, change: its } = function.trigger() else { continue };
        known.push(bucket.info().resource.as_str());
        let wanted = named.is_none_or(|named| named.name() == function.name());
        if bucket.info().resource == name && *its == change && wanted {
            of_it.push((function, bucket));
        }
    }
    if known.contains(&name) {
        // Those that are for other changes have nothing to do with this one.
        return Ok(of_it);
    }
    Err(Failure::event(format!(
        "an event of the bucket `{name}` came, and no function is for it; there are functions for {}",
        if known.is_empty() { "none".to_owned() } else { format!("`{}`", known.join("`, `")) }
    )))
}

fn misplaced(function: FunctionRef<'_>, got: &str) -> Failure {
    let for_what = match function.trigger() {
        Trigger::Http(_) | Trigger::Mount(_) => "requests",
        Trigger::Queue { .. } => "messages",
        Trigger::Blob { .. } => "a bucket's events",
        Trigger::Schedule(_) => "a schedule",
        _ => "something else",
    };
    Failure::event(format!(
        "SKYPORT_FUNCTION names `{}`, which is for {for_what}, and {got} came",
        function.name()
    ))
}
