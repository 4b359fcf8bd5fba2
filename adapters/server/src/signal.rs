//! SIGTERM and Ctrl-C.

use std::io;

use skyport_core::{Error, Result, Shutdown};

/// The signals that ask a process to end.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to listen: from now on they no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self> {
        Self::new().map_err(|error| Error::internal("signals cannot be listened to").with_source(error))
    }

    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be listened to");
            std::future::pending::<()>().await;
        }
    }

    /// Triggers `shutdown` at the first signal, and returns at the second.
    pub(crate) async fn obey(mut self, shutdown: &Shutdown) {
        self.next().await;
        tracing::info!("shutting down; once more to end at once");
        shutdown.trigger();
        self.next().await;
    }
}
