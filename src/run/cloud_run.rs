//! Cloud Run: the adapter of that name.

use std::sync::Arc;

use skyport_cloud_run::{CloudRun, CloudRunConfig};
use skyport_core::Result;
use skyport_core::app::{App, Manifest, Resources};
use skyport_server::Socket;

use super::say_where;
use crate::environment::Environment;

/// Sees to it that there is a log.
pub(super) fn log(environment: &Environment) {
    skyport_cloud_run::log_by_default(|name| environment.variable(name));
}

/// Answers requests, pushes and events until Cloud Run ends the process.
pub(super) async fn run<R: Resources>(
    app: App<R>,
    environment: Environment,
    manifest: &Manifest,
) -> Result<()> {
    let mut config = CloudRunConfig::from_env(|name| environment.variable(name))?;
    let socket = Socket::bind(&config.server).await?;
    let environment = environment.serving_on(socket.local_addr());
    environment.create_local(&manifest.resources).await?;
    let (functions, _) = app.bind(&environment)?;
    let endpoints = environment.endpoints();
    config.queues = Some(Arc::new(move |name| environment.queue_named(name)));
    let mut cloud_run = CloudRun::new(Arc::new(functions)).config(config).socket(socket);
    for endpoint in endpoints {
        cloud_run = cloud_run.endpoint(endpoint);
    }
    let bound = cloud_run.bind().await?;
    say_where(manifest, bound.local_addr());
    bound.run().await
}
