//! `local://name`: SQLite and files in a folder of this machine.

use std::sync::Arc;

use skyport_core::provider::Provider;
use skyport_core::{Error, Result};
use skyport_local::{Local, LocalConfig};

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> = Some(open);

fn open(environment: &Environment) -> Result<Arc<dyn Provider>> {
    let mut config = LocalConfig::default();
    if let Some(folder) = environment.variable("SKYPORT_DATA") {
        config.data = folder.into();
    }
    if let Some(text) = environment.variable("SKYPORT_SYNC") {
        config.durability = text
            .parse()
            .map_err(|error: Error| Error::invalid(format!("SKYPORT_SYNC: {}", error.message())))?;
    }
    if let Some(url) = environment.public_url() {
        config.public_url = url;
    }
    Ok(Arc::new(Local::new(config)))
}
