//! A server: made, bound, run.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use skyport_core::app::Functions;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::Endpoint;
use skyport_core::runtime::{Triggers, TriggersConfig, TriggersHandle};
use skyport_core::{Clock, Result, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::ServerConfig;
use crate::gate::{Gate, Refusals};
use crate::intercept::Intercept;
use crate::listen::{self, Socket};
use crate::service::{Shared, WIND_DOWN};
use crate::signal::Signals;

/// Starts the triggers that are not HTTP. A function that is kept, so that the linker can leave workers and tickers out of a program in
/// which nothing names it.
type Start = fn(Arc<Functions>, TriggersConfig, Shutdown) -> Starting;

type Starting = Pin<Box<dyn Future<Output = Result<Triggers>> + Send>>;

/// Makes a server for an application.
#[must_use = "call `bind`"]
pub struct Server {
    functions: Arc<Functions>,
    config: ServerConfig,
    socket: Option<Socket>,
    endpoints: Vec<Arc<dyn Endpoint>>,
    intercept: Option<Arc<dyn Intercept>>,
    triggers: Option<Start>,
    claims: Option<Arc<dyn KeyValueStore>>,
    clock: Clock,
    shutdown: Shutdown,
    signals: bool,
}

impl Server {
    /// A server with the default config. It works on queues, listens to buckets and fires schedules beside.
    pub fn new(functions: Arc<Functions>) -> Self {
        let start: Start = |functions, config, stop| Box::pin(Triggers::start(functions, config, stop));
        Self { triggers: Some(start), ..Self::without_triggers(functions) }
    }

    /// A server that works on no queue, listens to no bucket and fires no schedule: for a platform that brings all of these as
    /// requests.
    pub fn without_triggers(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            config: ServerConfig::default(),
            socket: None,
            endpoints: Vec::new(),
            intercept: None,
            triggers: None,
            claims: None,
            clock: Clock::system(),
            shutdown: Shutdown::new(),
            signals: true,
        }
    }

    /// Addresses, times and sizes.
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.config = config;
        self
    }

    /// Serves on a socket that was bound already, whatever the configured address is.
    pub fn socket(mut self, socket: Socket) -> Self {
        self.socket = Some(socket);
        self
    }

    /// HTTP of a provider, served under its prefix before the application's routes. Several providers may have some.
    pub fn endpoint(mut self, endpoint: Arc<dyn Endpoint>) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Whoever looks at requests before they are routed to the application; comes after the server's own and the providers'
    /// HTTP.
    pub fn intercept(mut self, intercept: Arc<dyn Intercept>) -> Self {
        self.intercept = Some(intercept);
        self
    }

    /// A table by which several processes agree on who fires a schedule; without one, each fires all.
    pub fn claims(mut self, table: Arc<dyn KeyValueStore>) -> Self {
        self.claims = Some(table);
        self
    }

    /// The clock that schedules go by; the system's by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Shuts the server down when it is triggered, as a signal does.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Whether SIGTERM and Ctrl-C shut the server down, a second one at once; yes by default. No is for a program that
    /// obeys signals itself.
    pub fn signals(mut self, obey: bool) -> Self {
        self.signals = obey;
        self
    }

    /// Takes the address and starts the triggers that are not HTTP. Requests wait until it [runs](Bound::run); queues,
    /// blob events and schedules do not.
    ///
    /// # Errors
    /// `Unavailable` where another program has the port, and what else keeps the address from being taken; `NotFound`
    /// where a bucket whose events are wanted does not exist.
    pub async fn bind(self) -> Result<Bound> {
        let Socket { listener, address } = match self.socket {
            Some(socket) => socket,
            None => Socket::bind(&self.config).await?,
        };
        let mut triggers = TriggersConfig::default();
        triggers.grace = self.config.grace;
        triggers.clock = self.clock;
        triggers.claims = self.claims;
        let functions = Arc::clone(&self.functions);
        let stop = self.shutdown.clone();
        let triggers = match self.triggers {
            Some(start) => start(functions, triggers, stop).await?,
            None => Triggers::idle(functions, triggers, stop),
        };
        let shared = Shared {
            functions: self.functions,
            endpoints: self.endpoints,
            intercept: self.intercept,
            gate: Gate::new(self.config.max_requests, "requests"),
            platforms: Gate::new(self.config.max_requests, "calls of the platform"),
            turned_away: Refusals::new("connections"),
            config: self.config,
            stop: self.shutdown,
            cut: Shutdown::new(),
        };
        Ok(Bound { listener, address, triggers, shared: Arc::new(shared), signals: self.signals })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A server that has its address.
#[must_use = "call `run`"]
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    triggers: Triggers,
    shared: Arc<Shared>,
    signals: bool,
}

impl Bound {
    /// The address, with the port that was found where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The triggers that are not HTTP: to fire a schedule by hand, say. Of use as long as the server runs.
    #[must_use]
    pub fn triggers(&self) -> TriggersHandle {
        self.triggers.handle().clone()
    }

    /// Serves until it is shut down, by a signal or by [`Server::shutdown`], and what was running has ended. Dropping the
    /// future ends everything at once.
    ///
    /// # Errors
    /// Where signals cannot be listened to.
    pub async fn run(self) -> Result<()> {
        let stop = self.shared.stop.clone();
        let signals = if self.signals { Some(Signals::listen()?) } else { None };
        let obeying = async {
            match signals {
                Some(signals) => signals.obey(&stop).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.serve() => tracing::info!("everything has ended"),
            () = obeying => tracing::warn!("ended at once, by a second signal"),
        }
        Ok(())
    }

    async fn serve(self) {
        let Self { listener, address, triggers, shared, .. } = self;
        tracing::info!(%address, "ready");
        let mut connections = JoinSet::new();
        let serving = async {
            // The listener ends with it: new clients are refused, not left waiting.
            listen::accept(listener, &shared, &mut connections).await;
            if timeout(shared.config.grace, listen::join(&mut connections)).await.is_ok() {
                return;
            }
            shared.cut.trigger();
            // Cancelled handlers answer, and their answers go out; then it ends, whatever still runs.
            if timeout(WIND_DOWN * 2, listen::join(&mut connections)).await.is_err() {
                tracing::warn!(connections = connections.len(), "connections were cut off");
                connections.shutdown().await;
            }
        };
        tokio::join!(serving, triggers.join());
    }
}
