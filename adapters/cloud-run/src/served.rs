//! What all requests share: the application, and what this deployment is.

use std::fmt;
use std::sync::Arc;

use skyport_core::app::{FunctionRef, Functions, Sources};
use skyport_core::queue::port::MessageQueue;
use skyport_core::{Error, Result};

use crate::config::{CloudRunConfig, QueueOpener};

/// The application and how it is served.
pub(crate) struct Served {
    pub(crate) functions: Arc<Functions>,
    function: Option<String>,
    queues: Option<Arc<QueueOpener>>,
}

impl Served {
    /// Fails where the environment names a function that the application does not have.
    pub(crate) fn new(functions: Arc<Functions>, config: &CloudRunConfig) -> Result<Self> {
        if let Some(name) = &config.function {
            functions.function(name).map_err(|error| {
                Error::new(error.kind(), format!("SKYPORT_FUNCTION or FUNCTION_TARGET: {}", error.message()))
            })?;
        }
        Ok(Self { functions, function: config.function.clone(), queues: config.queues.clone() })
    }

    /// The one function that this deployment is.
    pub(crate) fn named(&self) -> Option<FunctionRef<'_>> {
        self.functions.function(self.function.as_deref()?).ok()
    }

    /// Whose an event is.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources::new(&self.functions, self.named())
    }

    /// The queue that carries a bucket's events, by its subscription.
    pub(crate) fn carrier(&self, subscription: &str) -> Option<Arc<dyn MessageQueue>> {
        match self.queues.as_ref()?(subscription) {
            Ok(queue) => Some(queue),
            Err(error) => {
                tracing::warn!(subscription, %error, "a queue of events cannot be opened: it has no dead letters here");
                None
            }
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("function", &self.function).finish_non_exhaustive()
    }
}
