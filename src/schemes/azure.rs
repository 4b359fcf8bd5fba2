//! `azblob://name`, `azqueue://name`, `aztable://name`.

use std::sync::Arc;

use skyport_azure::Azure;
use skyport_core::Result;
use skyport_core::provider::Provider;

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> = Some(open);

/// As Azure's own variables say.
fn open(_: &Environment) -> Result<Arc<dyn Provider>> {
    Ok(Arc::new(Azure::new()))
}
