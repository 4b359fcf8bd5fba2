//! Being made.

use std::sync::Arc;

use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use crate::config::Connection;

pub(super) fn open(_: Arc<Connection>, _: &ResourceUrl, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
    Err(Error::unsupported("being made"))
}

pub(super) async fn create(_: &Arc<Connection>, _: &ResourceUrl, _: &QueueSettings) -> Result<()> {
    Err(Error::unsupported("being made"))
}

pub(super) async fn remove(_: &Arc<Connection>, _: &ResourceUrl, _: &QueueSettings) -> Result<()> {
    Err(Error::unsupported("being made"))
}
