//! To come.

use std::sync::Arc;

use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use crate::config::Connection;

pub(super) fn open(
    _: Arc<Connection>,
    _: &ResourceUrl,
    _: &skyport_core::provider::TableSettings,
) -> Result<Arc<dyn skyport_core::kv::port::KeyValueStore>> {
    Err(Error::unsupported("to come"))
}

pub(super) async fn create(
    _: &Arc<Connection>,
    _: &ResourceUrl,
    _: &skyport_core::provider::TableSettings,
) -> Result<()> {
    Err(Error::unsupported("to come"))
}

pub(super) async fn remove(
    _: &Arc<Connection>,
    _: &ResourceUrl,
    _: &skyport_core::provider::TableSettings,
) -> Result<()> {
    Err(Error::unsupported("to come"))
}
