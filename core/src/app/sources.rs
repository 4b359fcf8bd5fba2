//! Whose an event is, by where it comes from: for adapters that are handed events by their platform.

use std::sync::Arc;

use super::dispatch::Functions;
use super::function::{FunctionRef, Trigger};
use crate::blob::port::BlobStore;
use crate::event::BlobChange;
use crate::queue::port::MessageQueue;
use crate::{Error, ErrorKind, Result};

/// A function, and what its events come from.
pub type Sourced<'f, P> = (FunctionRef<'f>, &'f Arc<P>);

/// The functions of an application by the sources of their events. Where the deployment is one function, that one decides.
///
/// Its errors say what came, and what to do: `NotFound` where no function is for it, `InvalidArgument` where it is not plain which
/// of several, or where the deployment is a function for something else.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'f> {
    functions: &'f Functions,
    named: Option<FunctionRef<'f>>,
}

impl<'f> Sources<'f> {
    /// Of all functions; `named` is the one that this deployment is, where it is one.
    #[must_use]
    pub fn new(functions: &'f Functions, named: Option<FunctionRef<'f>>) -> Self {
        Self { functions, named }
    }

    /// The function of the queue of this name; `None` where none is for it, and where this deployment is for a bucket's events,
    /// which a queue may carry.
    ///
    /// # Errors
    /// Where it is not plain which of several; where this deployment is for something else.
    pub fn queue(&self, name: &str) -> Result<Option<Sourced<'f, dyn MessageQueue>>> {
        let with_queue = |function: FunctionRef<'f>| match function.0.trigger {
            Trigger::Queue { ref queue, .. } => Some((function, queue)),
            _ => None,
        };
        if let Some(named) = self.named {
            let blob = matches!(named.trigger(), Trigger::Blob { .. });
            return match with_queue(named) {
                None if !blob => Err(misplaced(named, "messages")),
                found => Ok(found),
            };
        }
        let all = self.functions.iter().filter_map(with_queue);
        let of_it: Vec<_> = all.filter(|(_, queue)| is_called(&queue.info().resource, name)).collect();
        match of_it[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(Error::invalid(format!(
                "messages of the queue `{name}` came, and several functions are for it: set SKYPORT_FUNCTION to one of {}",
                names(&of_it.iter().map(|(function, _)| *function).collect::<Vec<_>>())
            ))),
        }
    }

    /// The functions for these changes of one bucket, with the bucket; none where it has functions for other changes only.
    ///
    /// # Errors
    /// Where the bucket is none of the application's; where this deployment is for something else.
    pub fn bucket(&self, name: &str, change: BlobChange) -> Result<Vec<Sourced<'f, dyn BlobStore>>> {
        if let Some(named) = self.named
            && !matches!(named.trigger(), Trigger::Blob { .. })
        {
            return Err(misplaced(named, "a bucket's events"));
        }
        let mut known = Vec::new();
        let mut of_it = Vec::new();
        for function in self.functions.iter() {
            let Trigger::Blob { bucket, change: its } = &function.0.trigger else { continue };
            known.push(bucket.info().resource.as_str());
            let wanted = self.named.is_none_or(|named| named.name() == function.name());
            if bucket.info().resource == name && *its == change && wanted {
                of_it.push((function, bucket));
            }
        }
        if known.contains(&name) {
            return Ok(of_it);
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "an event of the bucket `{name}` came, and no function is for it; there are functions for {}",
                if known.is_empty() { "none".to_owned() } else { format!("`{}`", known.join("`, `")) }
            ),
        ))
    }

    /// The function of a schedule's event: the one that this deployment is, the one that the platform's schedule is called
    /// after (`<function>` or `<application>-<function>`), or the only one that has a schedule.
    ///
    /// # Errors
    /// Where no function has a schedule, or it is not plain which of several; where this deployment is for something else.
    pub fn schedule(&self, called: &[&str]) -> Result<FunctionRef<'f>> {
        if let Some(named) = self.named {
            return scheduled(named);
        }
        if let Some(function) = self.schedule_called(called) {
            return Ok(function);
        }
        let all: Vec<FunctionRef<'f>> = self.scheduled().collect();
        match all[..] {
            [only] => Ok(only),
            [] => {
                let none = "a schedule's event came, and no function has a schedule";
                Err(Error::new(ErrorKind::NotFound, none))
            }
            _ => Err(Error::invalid(format!(
                "a schedule's event came from `{}`, and it is not plain which function it is for: call the schedule after the \
                 function, or set SKYPORT_FUNCTION; there are {}",
                called.join("`, `"),
                names(&all)
            ))),
        }
    }

    /// The function with a schedule that one of these names is of: `<function>` or `<application>-<function>`.
    #[must_use]
    pub fn schedule_called(&self, called: &[&str]) -> Option<FunctionRef<'f>> {
        let application = &self.functions.manifest().application;
        self.scheduled().find(|function| {
            let name = function.name();
            called.iter().any(|called| {
                let own = called.strip_prefix(application.as_str()).and_then(|rest| rest.strip_prefix('-'));
                *called == name || own == Some(name)
            })
        })
    }

    fn scheduled(&self) -> impl Iterator<Item = FunctionRef<'f>> + use<'f> {
        self.functions.iter().filter(|function| matches!(function.trigger(), Trigger::Schedule(_)))
    }
}

/// The function, where it has a schedule.
///
/// # Errors
/// `InvalidArgument` where it is for something else.
fn scheduled(function: FunctionRef<'_>) -> Result<FunctionRef<'_>> {
    match function.trigger() {
        Trigger::Schedule(_) => Ok(function),
        _ => Err(Error::invalid(format!(
            "a schedule's event came for the function `{}`, which has no schedule",
            function.name()
        ))),
    }
}

/// A provider may know a queue by its name, or by a URL or path that ends in it.
fn is_called(resource: &str, name: &str) -> bool {
    !name.is_empty() && resource.rsplit('/').next() == Some(name)
}

fn names(functions: &[FunctionRef<'_>]) -> String {
    functions.iter().map(|function| function.name()).collect::<Vec<_>>().join(", ")
}

fn misplaced(function: FunctionRef<'_>, got: &str) -> Error {
    let for_what = match function.trigger() {
        Trigger::Http(_) | Trigger::Mount(_) => "requests",
        Trigger::Queue { .. } => "messages",
        Trigger::Blob { .. } => "a bucket's events",
        Trigger::Schedule(_) => "a schedule",
    };
    Error::invalid(format!(
        "SKYPORT_FUNCTION names `{}`, which is for {for_what}, and {got} came",
        function.name()
    ))
}
