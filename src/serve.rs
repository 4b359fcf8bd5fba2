//! The runtime of any machine or container: the server adapter.

use std::io::Write;

use skyport_core::Result;
use skyport_server::Server;

use crate::environment::Environment;

/// Serves until a signal comes.
pub(crate) async fn serve(mut server: Server, application: &str, environment: &Environment) -> Result<()> {
    for endpoint in environment.endpoints() {
        server = server.endpoint(endpoint);
    }
    if let Some(claims) = environment.claims().await? {
        server = server.claims(claims);
    }
    let bound = server.bind().await?;
    let address = bound.local_addr();
    // For the person who started it; a log subscriber may not be there. A closed stderr is no reason not to serve.
    let _ = writeln!(std::io::stderr(), "{application} is listening on http://{address} (Ctrl-C to stop)");
    bound.run().await
}
