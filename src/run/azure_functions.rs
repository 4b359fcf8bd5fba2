//! Azure Functions: the adapter of that name.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use skyport_azure_functions::metadata::Deployment;
use skyport_azure_functions::{AzureFunctions, AzureFunctionsConfig};
use skyport_core::app::{App, Manifest, Resources};
use skyport_core::{Error, Result};
use skyport_server::Socket;

use super::say_where;
use crate::environment::Environment;

mod accounts;

/// Sees to it that there is a log.
pub(super) fn log(environment: &Environment) {
    skyport_azure_functions::log_by_default(|name| environment.variable(name));
}

/// The program, as the host finds it beside the files.
const PROGRAM: &str = "handler";

/// The scheme of the queues that the host listens to.
const QUEUES: &str = "azqueue";

/// Writes what is deployed beside the program into a folder, and says what to do next.
pub(super) fn write(
    manifest: &Manifest,
    environment: &Environment,
    folder: &str,
    connection: Option<String>,
) -> Result<()> {
    let mut deployment = Deployment::new(PROGRAM);
    let named = connection.is_some();
    if let Some(connection) = connection {
        deployment.connection = connection;
    }
    for resource in &manifest.resources {
        let url = environment.url(resource)?;
        if url.scheme() != QUEUES {
            continue;
        }
        if !named && accounts::listeners(manifest, &resource.name).next().is_some() {
            accounts::of_the_hosts(&resource.name, &url)?;
        }
        deployment = deployment.queue(resource.name.as_ref(), url.name());
    }
    deployment.write(manifest, Path::new(folder))?;
    let told = writeln!(
        std::io::stdout(),
        "{folder} has host.json and the functions of `{}`. Put the program beside them as {folder}/{PROGRAM}, and deploy the folder; the host gets to \
         its queues by the setting {}.",
        manifest.application,
        deployment.connection
    );
    told.map_err(|error| Error::internal("standard output is closed").with_source(error))
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
    accounts::check(manifest, &environment);
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
