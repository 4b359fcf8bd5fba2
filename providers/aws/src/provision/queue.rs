//! Placeholder.
use std::sync::Arc;

use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use crate::config::Connection;

pub(super) fn open(_: Arc<Connection>, _: &str, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
    Err(Error::unsupported("not yet"))
}
pub(super) async fn create(_: &Arc<Connection>, _: &str, _: &QueueSettings) -> Result<()> {
    Err(Error::unsupported("not yet"))
}
pub(super) async fn remove(_: &Arc<Connection>, _: &str, _: &QueueSettings) -> Result<()> {
    Err(Error::unsupported("not yet"))
}
