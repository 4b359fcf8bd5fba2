//! `local://name`: SQLite and files in a folder of this machine.

use std::sync::Arc;

use skyport_core::provider::Provider;
use skyport_core::{Error, Result};
use skyport_local::{Local, LocalConfig};

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> =
    // One provider serves any number of folders.
    Some(Serve { instance: |_, _| String::new(), open: |_, environment| open(environment) });

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
    config.public_url = match (environment.variable("SKYPORT_PUBLIC_URL"), environment.variable("PORT")) {
        (Some(url), _) => url,
        (None, Some(port)) => format!("http://127.0.0.1:{port}"),
        (None, None) => config.public_url,
    };
    Ok(Arc::new(Local::new(config)))
}
