//! Running an application: on the runtime that it finds itself on.

use skyport_core::Result;
use skyport_core::app::{App, Declaration, Manifest, Resources};

use crate::command::Command;
use crate::environment::{Environment, RESERVED, variable_of};

use runtime::Runtime;

mod runtime;

/// Runs an application until it is told to stop, on the runtime that it finds itself on.
///
/// On AWS Lambda (feature `lambda`) it answers the events that Lambda hands it; on Cloud Run (feature `cloud-run`) the requests, pushes and
/// events that come on `PORT`; on Azure Functions (feature `azure-functions`) what the host hands it. Anywhere else (feature `server`) it serves HTTP on `PORT`, works off its queues, listens to its buckets
/// and fires its schedules.
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `PORT`, `HOST` | where HTTP is served | 8080 on 127.0.0.1; on Cloud Run on 0.0.0.0 |
/// | `SKYPORT_<RESOURCE>` | a resource's URL | on the default provider |
/// | `SKYPORT_PROVIDER` | the default provider: `local`, `aws`, `gcp`, `azure` | that of the runtime; `local` on a machine |
/// | `SKYPORT_DATA` | the folder of the provider `local` | `.skyport` |
/// | `SKYPORT_SYNC` | `full`: what is answered survives a loss of power, too | `normal` |
/// | `SKYPORT_PUBLIC_URL` | how clients reach this server, for signed URLs | `http://127.0.0.1:$PORT` |
/// | `SKYPORT_DEADLINE` | the longest time for a request, `30s` or `500ms` | none |
/// | `SKYPORT_GRACE` | how long running work may go on after SIGTERM | `10s`; on Cloud Run `7s` |
/// | `SKYPORT_MAX_REQUESTS` | the most requests at work at once; one more is answered 503 | `1024` |
/// | `SKYPORT_RUNTIME` | `lambda`, `cloud-run`, `azure-functions` or `server`, whatever it finds itself on | what it finds |
/// | `SKYPORT_FUNCTION` | on Lambda and Cloud Run: the one function that this deployment is for | by the event's source |
/// | `SKYPORT_EVENTS_PATH` | on Cloud Run: a path where pushes are looked for although it is a route's | none |
/// | `SKYPORT_PUSH_AUDIENCE`, `SKYPORT_PUSH_ACCOUNT` | on Cloud Run: whose pushes and events are taken | anybody's who may call |
/// | `SKYPORT_RESPONSE_STREAMING` | on Lambda: `true` sends responses as streams | `false` |
/// | `SKYPORT_COMMAND` | do one thing and end: `manifest`, `provision`, `fire <function>`, `azure-functions <folder> [<connection>]` | serve |
///
/// A variable that begins with `SKYPORT_` and means nothing is warned of: most often it is a slip of the pen.
///
/// ```no_run
/// use skyport::prelude::*;
///
/// async fn hello(_: Request, _: Context<()>) -> Result<&'static str> {
///     Ok("Hello!")
/// }
///
/// # #[allow(clippy::needless_return)]
/// #[tokio::main]
/// async fn main() -> Result<(), skyport::Error> {
///     skyport::run(App::new("hello").http("hello", route::get("/"), hello)).await
/// }
/// ```
///
/// # Errors
/// `InvalidArgument` that lists what is wrong with the application or its configuration; `Unsupported` for what its
/// providers cannot do; what a provider says when its resources are made.
pub async fn run<R: Resources>(app: App<R>) -> Result<()> {
    let environment = Environment::of_process(app.name());
    let runtime = Runtime::named(&environment)?.unwrap_or_else(|| Runtime::found(&environment));
    let on_lambda = runtime == Runtime::Lambda;
    match runtime {
        Runtime::Lambda => lambda::log(&environment),
        Runtime::CloudRun => cloud_run::log(&environment),
        Runtime::AzureFunctions => azure_functions::log(&environment),
        Runtime::Server => {}
    }
    let (command, manifest) = match read(&app, &environment) {
        Ok(read) => read,
        Err(error) if on_lambda => return Err(lambda::refuse(error).await),
        Err(error) => return Err(error),
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let known = known(&manifest.resources);
    for name in unknown(names, &known) {
        tracing::warn!(name, known = known.join(", "), "an environment variable means nothing here");
    }
    match command {
        Command::Manifest => crate::command::print_manifest(&manifest),
        Command::Provision => environment.create_all(&manifest.resources).await,
        Command::Fire(function) => {
            environment.create_local(&manifest.resources).await?;
            let (functions, _) = app.bind(&environment)?;
            crate::command::fire(&functions, &function).await
        }
        Command::AzureFunctions { folder, connection } => {
            azure_functions::write(&manifest, &environment, &folder, connection)
        }
        Command::Serve => match runtime {
            Runtime::Lambda => lambda::run(app, environment).await,
            Runtime::CloudRun => cloud_run::run(app, environment, &manifest).await,
            Runtime::AzureFunctions => azure_functions::run(app, environment, &manifest).await,
            Runtime::Server => server::run(app, environment, &manifest).await,
        },
    }
}

/// What is to be done, with what.
fn read<R: Resources>(app: &App<R>, environment: &Environment) -> Result<(Command, Manifest)> {
    let command = environment.variable("SKYPORT_COMMAND").unwrap_or_default().parse()?;
    Ok((command, app.manifest()?))
}

#[cfg(feature = "server")]
mod server;

#[cfg(not(feature = "server"))]
mod server {
    use super::{App, Environment, Manifest, Resources, Result};

    pub(super) async fn run<R: Resources>(_: App<R>, _: Environment, _: &Manifest) -> Result<()> {
        Err(skyport_core::Error::unsupported(
            "this program was built without the feature `server`, which serves on any machine: add it to `skyport` in Cargo.toml",
        ))
    }
}

#[cfg(feature = "lambda")]
mod lambda;

#[cfg(not(feature = "lambda"))]
mod lambda {
    use super::{App, Environment, Resources, Result};
    use skyport_core::Error;

    pub(super) fn log(_: &Environment) {}

    pub(super) async fn refuse(error: Error) -> Error {
        error
    }

    pub(super) async fn run<R: Resources>(_: App<R>, _: Environment) -> Result<()> {
        Err(skyport_core::Error::unsupported(
            "this is AWS Lambda, and the program was built without the feature `lambda`: add it to `skyport` in Cargo.toml",
        ))
    }
}

#[cfg(feature = "cloud-run")]
mod cloud_run;

#[cfg(not(feature = "cloud-run"))]
mod cloud_run {
    use super::{App, Environment, Manifest, Resources, Result};

    pub(super) fn log(_: &Environment) {}

    pub(super) async fn run<R: Resources>(_: App<R>, _: Environment, _: &Manifest) -> Result<()> {
        Err(skyport_core::Error::unsupported(
            "this is Cloud Run, and the program was built without the feature `cloud-run`: add it to `skyport` in Cargo.toml, or \
             set SKYPORT_RUNTIME=server to serve as on any machine",
        ))
    }
}

#[cfg(feature = "azure-functions")]
mod azure_functions;

#[cfg(not(feature = "azure-functions"))]
mod azure_functions {
    use super::{App, Environment, Manifest, Resources, Result};

    pub(super) fn log(_: &Environment) {}

    pub(super) fn write(_: &Manifest, _: &Environment, _: &str, _: Option<String>) -> Result<()> {
        Err(skyport_core::Error::unsupported(
            "this program was built without the feature `azure-functions`, which knows what is deployed there: add it to `skyport` in \
             Cargo.toml",
        ))
    }

    pub(super) async fn run<R: Resources>(_: App<R>, _: Environment, _: &Manifest) -> Result<()> {
        Err(skyport_core::Error::unsupported(
            "this is Azure Functions, and the program was built without the feature `azure-functions`: add it to `skyport` in \
             Cargo.toml, or set SKYPORT_RUNTIME=server to serve as on any machine",
        ))
    }
}

/// Says where HTTP is served, for the person who started it: a log subscriber may not be there.
#[cfg(any(feature = "server", feature = "cloud-run", feature = "azure-functions"))]
fn say_where(manifest: &Manifest, address: std::net::SocketAddr) {
    use std::io::Write;

    let application = &manifest.application;
    // In one piece: formatted into stderr, each part of it would be a call of the system's.
    let line = format!("{application} is listening on http://{address} (Ctrl-C to stop)\n");
    // A closed stderr is no reason not to serve.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The variables that mean something to an application with these resources.
fn known(resources: &[Declaration]) -> Vec<String> {
    let resources = resources.iter().map(|resource| variable_of(&resource.name));
    RESERVED.iter().map(|name| variable_of(name)).chain(resources).collect()
}

/// Those of `names` that look as if they were meant for us, and are not known.
fn unknown(names: impl Iterator<Item = String>, known: &[String]) -> Vec<String> {
    names.filter(|name| name.starts_with("SKYPORT_") && !known.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use skyport_core::provider::ResourceKind;

    use super::*;

    #[test]
    fn a_variable_that_means_nothing_is_found() {
        let known = known(&[Declaration::new("big-files", ResourceKind::Bucket)]);
        let set = ["PATH", "SKYPORT_DATA", "SKYPORT_BIG_FILES", "SKYPORT_BIG_FLIES", "SKYPORT_DTAA"];
        let unknown = unknown(set.into_iter().map(str::to_owned), &known);
        assert_eq!(unknown, ["SKYPORT_BIG_FLIES", "SKYPORT_DTAA"]);
    }
}
