//! Serving: the server adapter, with the platform's events before its routes.

use std::fmt;
use std::sync::Arc;

use skyport_core::app::Functions;
use skyport_core::provider::Endpoint;
use skyport_core::{Result, Shutdown};
use skyport_server::{Bound, Server, Socket};

use crate::config::CloudRunConfig;
use crate::front::Front;

/// Serves an application on Cloud Run until it is told to stop: [`CloudRun`] as it comes.
///
/// # Errors
/// As [`CloudRun::bind`], and where signals cannot be listened to.
pub async fn run(functions: Arc<Functions>, config: CloudRunConfig) -> Result<()> {
    CloudRun::new(functions).config(config).bind().await?.run().await
}

/// Makes a server for an application on Cloud Run.
#[must_use = "call `bind`"]
pub struct CloudRun {
    functions: Arc<Functions>,
    config: CloudRunConfig,
    socket: Option<Socket>,
    endpoints: Vec<Arc<dyn Endpoint>>,
    shutdown: Shutdown,
    signals: bool,
}

impl CloudRun {
    /// A server with the default config.
    pub fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            config: CloudRunConfig::default(),
            socket: None,
            endpoints: Vec::new(),
            shutdown: Shutdown::new(),
            signals: true,
        }
    }

    /// What this deployment is, whose pushes it takes, and how it is served.
    pub fn config(mut self, config: CloudRunConfig) -> Self {
        self.config = config;
        self
    }

    /// Serves on a socket that was bound already, whatever the configured address is.
    pub fn socket(mut self, socket: Socket) -> Self {
        self.socket = Some(socket);
        self
    }

    /// HTTP of a provider, served under its prefix before everything else. Several providers may have some.
    pub fn endpoint(mut self, endpoint: Arc<dyn Endpoint>) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Shuts the server down when it is triggered, as a signal does.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Whether SIGTERM and Ctrl-C shut the server down; yes by default.
    pub fn signals(mut self, obey: bool) -> Self {
        self.signals = obey;
        self
    }

    /// Takes the address. Nothing is subscribed to and no schedule is fired: the platform brings all of that.
    ///
    /// # Errors
    /// `NotFound` where the function that this deployment is said to be does not exist; `Unsupported` where tokens are to be
    /// checked and the feature `oidc` is missing; `Unavailable` where another program has the port, and what else keeps the
    /// address from being taken.
    pub async fn bind(self) -> Result<Bound> {
        let front = Front::new(Arc::clone(&self.functions), &self.config)?;
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

impl fmt::Debug for CloudRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudRun").field("config", &self.config).finish_non_exhaustive()
    }
}
