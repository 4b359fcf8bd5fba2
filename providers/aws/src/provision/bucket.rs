//! Placeholder.
use std::sync::Arc;

use skyport_core::blob::port::BlobStore;
use skyport_core::{Error, Result};

use crate::config::Connection;

pub(super) fn open(_: Arc<Connection>, _: &str) -> Result<Arc<dyn BlobStore>> {
    Err(Error::unsupported("not yet"))
}
pub(super) async fn create(_: &Arc<Connection>, _: &str) -> Result<()> {
    Err(Error::unsupported("not yet"))
}
pub(super) async fn remove(_: &Arc<Connection>, _: &str) -> Result<()> {
    Err(Error::unsupported("not yet"))
}
