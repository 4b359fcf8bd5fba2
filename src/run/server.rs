//! The runtime of any machine or container: the server adapter.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::app::{App, Manifest, Resources};
use skyport_server::{Server, ServerConfig, Socket};

use super::say_where;
use crate::environment::Environment;

/// Serves until a signal comes.
pub(super) async fn run<R: Resources>(
    app: App<R>,
    environment: Environment,
    manifest: &Manifest,
) -> Result<()> {
    let config = ServerConfig::from_env(|name| environment.variable(name))?;
    // The port first: a second start by mistake is told before it touches any data.
    let socket = Socket::bind(&config).await?;
    let environment = environment.serving_on(socket.local_addr());
    environment.create_local(&manifest.resources).await?;
    let (functions, _) = app.bind(&environment)?;
    let mut server = Server::new(Arc::new(functions)).config(config).socket(socket);
    for endpoint in environment.endpoints() {
        server = server.endpoint(endpoint);
    }
    if let Some(claims) = environment.claims().await? {
        server = server.claims(claims);
    }
    let bound = server.bind().await?;
    say_where(manifest, bound.local_addr());
    bound.run().await
}
