//! What an application consists of, as data: for deployment, for people, for adapters.

use serde::Serialize;

use super::resources::Declaration;
use crate::event::BlobChange;
use crate::http::Route;
use crate::schedule::Schedule;

/// An application's functions, triggers and resources.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest {
    /// The application's name.
    pub application: String,
    /// Its functions, in the order in which they were registered.
    pub functions: Vec<FunctionManifest>,
    /// Its resources, in the order of the struct's fields.
    pub resources: Vec<Declaration>,
}

/// One function.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionManifest {
    /// Its name, unique in the application.
    pub name: String,
    /// What starts it.
    pub trigger: TriggerManifest,
    /// Its time limit in milliseconds, where it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How many calls may run at once in one process, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
}

/// What starts a function.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TriggerManifest {
    /// Requests of a route.
    Http {
        /// Method, path, limits.
        #[serde(flatten)]
        route: Route,
    },
    /// Requests under a path, answered by a mounted service.
    Mount {
        /// The path.
        path: String,
    },
    /// Messages of a queue.
    Queue {
        /// The queue's name.
        queue: String,
        /// At most so many messages in one call, for a batch handler.
        #[serde(skip_serializing_if = "Option::is_none")]
        batch_size: Option<usize>,
    },
    /// Changes of a bucket's objects.
    Blob {
        /// The bucket's name.
        bucket: String,
        /// Which changes.
        change: BlobChange,
    },
    /// A schedule.
    Schedule {
        /// Five fields, in UTC.
        schedule: Schedule,
    },
}
