//! Azure Functions: the adapter of that name.

use std::path::Path;
use std::sync::Arc;

use skyport_azure_functions::metadata::Deployment;
use skyport_azure_functions::{AzureFunctions, AzureFunctionsConfig};
use skyport_core::Result;
use skyport_core::app::{App, Manifest, Resources};
use skyport_server::Socket;

use super::say_where;
use crate::environment::Environment;

/// Sees to it that there is a log.
pub(super) fn log(environment: &Environment) {
    skyport_azure_functions::log_by_default(|name| environment.variable(name));
}

/// The program, as the host finds it beside the files.
const PROGRAM: &str = "handler";

/// The scheme of the queues that the host listens to.
const QUEUES: &str = "azqueue";

/// Writes what is deployed beside the program into a folder.
pub(super) fn write(manifest: &Manifest, environment: &Environment, folder: &str) -> Result<()> {
    let mut deployment = Deployment::new(PROGRAM);
    for resource in &manifest.resources {
        let url = environment.url(resource)?;
        if url.scheme() == QUEUES {
            deployment = deployment.queue(resource.name.as_ref(), url.name());
        }
    }
    deployment.write(manifest, Path::new(folder))
}

/// Answers what the host calls for until it ends the process.
pub(super) async fn run<R: Resources>(
    app: App<R>,
    environment: Environment,
    manifest: &Manifest,
) -> Result<()> {
    let config = AzureFunctionsConfig::from_env(|name| environment.variable(name))?;
    let socket = Socket::bind(&config.server).await?;
    let environment = environment.serving_on(socket.local_addr());
    environment.create_local(&manifest.resources).await?;
    let (functions, _) = app.bind(&environment)?;
    let endpoints = environment.endpoints();
    let mut handler = AzureFunctions::new(Arc::new(functions)).config(config).socket(socket);
    for endpoint in endpoints {
        handler = handler.endpoint(endpoint);
    }
    let bound = handler.bind().await?;
    say_where(manifest, bound.local_addr());
    bound.run().await
}
