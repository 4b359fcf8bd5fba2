//! Being made.

use std::sync::Arc;

use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use crate::config::Connection;

pub(super) fn open(_: Arc<Connection>, _: &ResourceUrl) -> Result<Arc<dyn KeyValueStore>> {
    Err(Error::unsupported("being made"))
}

pub(super) async fn create(_: &Arc<Connection>, _: &ResourceUrl) -> Result<()> {
    Err(Error::unsupported("being made"))
}

pub(super) async fn remove(_: &Arc<Connection>, _: &ResourceUrl) -> Result<()> {
    Err(Error::unsupported("being made"))
}
