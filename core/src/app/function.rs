//! A function of an application, before and after it is bound to its resources.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, Invocation};
use super::dispatch::Event;
use super::manifest::{FunctionManifest, TriggerManifest};
use super::message::EventOptions;
use super::middleware::{Call, Called};
use super::resources::Ref;
use crate::blob::Bucket;
use crate::blob::port::BlobStore;
use crate::event::BlobChange;
use crate::http::Route;
use crate::queue::port::MessageQueue;
use crate::schedule::Schedule;

/// What starts a function, before it is bound.
pub(crate) enum Source<R> {
    Http(Route),
    Mount(String),
    Queue { name: &'static str, queue: QueueRef<R>, batch: bool },
    Blob { bucket: Ref<R, Bucket>, change: BlobChange },
    Schedule(Schedule),
}

/// A queue's field without the type of its messages.
pub(crate) type QueueRef<R> = Arc<dyn Fn(&R) -> Arc<dyn MessageQueue> + Send + Sync>;

/// A function that is registered and not yet bound.
pub(crate) struct Registered<R> {
    pub(crate) name: String,
    pub(crate) source: Source<R>,
    pub(crate) options: EventOptions,
    pub(crate) call: Call<R>,
}

impl<R: Send + Sync + 'static> Registered<R> {
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.source, Source::Http(_) | Source::Mount(_))
    }

    pub(crate) fn manifest(&self) -> FunctionManifest {
        let trigger = match &self.source {
            Source::Http(route) => TriggerManifest::Http { route: route.clone() },
            Source::Mount(path) => TriggerManifest::Mount { path: path.clone() },
            Source::Queue { name, batch, .. } => TriggerManifest::Queue {
                queue: (*name).to_owned(),
                batch_size: batch.then(|| self.options.batch.unwrap_or(DEFAULT_BATCH)),
            },
            Source::Blob { bucket, change } => {
                TriggerManifest::Blob { bucket: bucket.name().to_owned(), change: *change }
            }
            Source::Schedule(schedule) => TriggerManifest::Schedule { schedule: schedule.clone() },
        };
        let timeout = self.timeout().map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        FunctionManifest {
            name: self.name.clone(),
            trigger,
            timeout_ms: timeout,
            concurrency: self.options.concurrency,
        }
    }

    fn timeout(&self) -> Option<Duration> {
        match &self.source {
            Source::Http(route) => route.time_limit(),
            _ => self.options.timeout,
        }
    }

    pub(crate) fn bind(self, resources: &Arc<R>) -> Function {
        let timeout = self.timeout();
        let trigger = match self.source {
            Source::Http(route) => Trigger::Http(route),
            Source::Mount(path) => Trigger::Mount(path),
            Source::Queue { queue, batch, .. } => Trigger::Queue {
                queue: queue(resources),
                batch_size: if batch { Some(self.options.batch.unwrap_or(DEFAULT_BATCH)) } else { None },
            },
            Source::Blob { bucket, change } => {
                Trigger::Blob { bucket: Arc::clone(bucket.of(resources).port()), change }
            }
            Source::Schedule(schedule) => Trigger::Schedule(schedule),
        };
        let (call, resources) = (self.call, Arc::clone(resources));
        Function {
            name: self.name.into(),
            trigger,
            timeout,
            concurrency: self.options.concurrency,
            call: Box::new(move |event, invocation| {
                call(event, Context::new(Arc::clone(&resources), invocation))
            }),
        }
    }
}

/// How many messages a batch holds unless the trigger says otherwise.
pub(crate) const DEFAULT_BATCH: usize = 10;

/// What starts a function, for adapters: with the opened queue or bucket.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Requests of a route.
    Http(Route),
    /// Requests under a path.
    Mount(String),
    /// Messages of a queue.
    Queue {
        /// The queue.
        queue: Arc<dyn MessageQueue>,
        /// For a batch handler, at most so many messages in one call.
        batch_size: Option<usize>,
    },
    /// Changes of a bucket's objects.
    Blob {
        /// The bucket.
        bucket: Arc<dyn BlobStore>,
        /// Which changes.
        change: BlobChange,
    },
    /// A schedule.
    Schedule(Schedule),
}

/// A function bound to its resources.
pub(crate) struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) trigger: Trigger,
    pub(crate) timeout: Option<Duration>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) call: Box<dyn Fn(Event, Arc<Invocation>) -> Called + Send + Sync>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("trigger", &self.trigger)
            .finish_non_exhaustive()
    }
}

/// A function as adapters see it.
#[derive(Clone, Copy, Debug)]
pub struct FunctionRef<'f>(pub(crate) &'f Function);

impl<'f> FunctionRef<'f> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'f str {
        &self.0.name
    }

    /// What starts it.
    #[must_use]
    pub fn trigger(self) -> &'f Trigger {
        &self.0.trigger
    }

    /// Its time limit, where it has one of its own.
    #[must_use]
    pub fn timeout(self) -> Option<Duration> {
        self.0.timeout
    }

    /// How many calls may run at once in one process, where it says so.
    #[must_use]
    pub fn concurrency(self) -> Option<usize> {
        self.0.concurrency
    }
}
