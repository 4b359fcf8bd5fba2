//! Running an application: on the runtime that it finds itself on.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::app::{App, Declaration, Resources};
use skyport_server::{Server, ServerConfig, Socket};

use crate::command::Command;
use crate::environment::{Environment, RESERVED, variable_of};
use crate::serve;

/// Runs an application until it is told to stop: serves HTTP on `PORT`, works off its queues, listens to its buckets and
/// fires its schedules.
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `PORT`, `HOST` | where HTTP is served | 8080 on 127.0.0.1 |
/// | `SKYPORT_<RESOURCE>` | a resource's URL | on the default provider |
/// | `SKYPORT_PROVIDER` | the default provider | `local` |
/// | `SKYPORT_DATA` | the folder of the provider `local` | `.skyport` |
/// | `SKYPORT_SYNC` | `full`: what is answered survives a loss of power, too | `normal` |
/// | `SKYPORT_PUBLIC_URL` | how clients reach this server, for signed URLs | `http://127.0.0.1:$PORT` |
/// | `SKYPORT_DEADLINE` | the longest time for a request, `30s` or `500ms` | none |
/// | `SKYPORT_GRACE` | how long running work may go on after SIGTERM | `10s` |
/// | `SKYPORT_COMMAND` | do one thing and end: `manifest`, `provision`, `fire <function>` | serve |
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
    let command: Command = environment.variable("SKYPORT_COMMAND").unwrap_or_default().parse()?;
    let manifest = app.manifest()?;
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
        Command::Serve => {
            let config = ServerConfig::from_env(|name| environment.variable(name))?;
            // The port first: a second start by mistake is told before it touches any data.
            let socket = Socket::bind(&config).await?;
            let environment = environment.serving_on(socket.local_addr());
            environment.create_local(&manifest.resources).await?;
            let (functions, _) = app.bind(&environment)?;
            let server = Server::new(Arc::new(functions)).config(config).socket(socket);
            serve::serve(server, &manifest.application, &environment).await
        }
    }
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
