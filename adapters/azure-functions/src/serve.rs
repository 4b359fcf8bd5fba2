//! Serving: the server adapter, with what the host calls for before its routes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use skyport_core::app::Functions;
use skyport_core::provider::Endpoint;
use skyport_core::{Error, Result, Shutdown};
use skyport_server::{Bound, Server, Socket};

use crate::config::AzureFunctionsConfig;
use crate::front::Front;
use crate::names;

/// Serves an application on Azure Functions until it is told to stop: [`AzureFunctions`] as it comes.
///
/// # Errors
/// As [`AzureFunctions::bind`], and where signals cannot be listened to.
pub async fn run(functions: Arc<Functions>, config: AzureFunctionsConfig) -> Result<()> {
    AzureFunctions::new(functions).config(config).bind().await?.run().await
}

/// Makes a custom handler of an application.
#[must_use = "call `bind`"]
pub struct AzureFunctions {
    functions: Arc<Functions>,
    config: AzureFunctionsConfig,
    socket: Option<Socket>,
    endpoints: Vec<Arc<dyn Endpoint>>,
    shutdown: Shutdown,
    signals: bool,
}

impl AzureFunctions {
    /// A handler with the default config.
    pub fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            config: AzureFunctionsConfig::default(),
            socket: None,
            endpoints: Vec::new(),
            shutdown: Shutdown::new(),
            signals: true,
        }
    }

    /// How it is served, and how long calls may take.
    pub fn config(mut self, config: AzureFunctionsConfig) -> Self {
        self.config = config;
        self
    }

    /// Serves on a socket that was bound already, whatever the configured port is. It is to be one of this machine alone, as
    /// [`AzureFunctionsConfig::from_env`] says: whoever reaches it can call as the host does.
    pub fn socket(mut self, socket: Socket) -> Self {
        self.socket = Some(socket);
        self
    }

    /// HTTP of a provider, served under its prefix before everything else. Several providers may have some.
    pub fn endpoint(mut self, endpoint: Arc<dyn Endpoint>) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Shuts the handler down when it is triggered, as a signal does.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Whether SIGTERM and Ctrl-C shut the handler down; yes by default.
    pub fn signals(mut self, obey: bool) -> Self {
        self.signals = obey;
        self
    }

    /// Takes the address: from then on the host finds the handler ready. Nothing is received from a queue and no schedule is fired
    /// here: the host does all of that.
    ///
    /// # Errors
    /// `InvalidArgument` where a function has a name that Azure Functions does not take, and where others than this machine reach the
    /// socket; `Unavailable` where another program has the
    /// port, and what else keeps the address from being taken.
    pub async fn bind(mut self) -> Result<Bound> {
        names::check(&self.functions)?;
        if let Some(address) = self.socket.as_ref().map(Socket::local_addr)
            && !address.ip().is_loopback()
        {
            return Err(Error::invalid(format!(
                "the socket {address} is not this machine's alone, and whoever reaches it could call as the host does: bind it to 127.0.0.1"
            )));
        }
        self.config.server.host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let front = Front::new(Arc::clone(&self.functions), &self.config);
        let mut server = Server::without_triggers(self.functions)
            .config(self.config.server)
            .intercept(Arc::new(front))
            .shutdown(self.shutdown)
            .signals(self.signals);
        if let Some(socket) = self.socket {
            server = server.socket(socket);
        }
        for endpoint in self.endpoints {
            server = server.endpoint(endpoint);
        }
        server.bind().await
    }
}

impl fmt::Debug for AzureFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureFunctions").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
