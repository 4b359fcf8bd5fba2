//! What all invocations share: the application, and whether it is to stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skyport_core::app::{FunctionRef, Functions, Sources};
use skyport_core::{Result, Shutdown};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{LambdaConfig, Ports};

/// What a cancelled handler has to report before it is dropped; SIGTERM leaves half a second in all.
const WIND_DOWN: Duration = Duration::from_millis(80);

/// The application and how it is served.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) functions: Arc<Functions>,
    pub(crate) config: LambdaConfig,
    running: watch::Sender<usize>,
    /// The grace period is over.
    cut: Shutdown,
    /// Connections have been made, or are being made.
    warm: AtomicBool,
}

/// An invocation that runs, until it is dropped.
pub(crate) struct Running<'s>(&'s watch::Sender<usize>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Served {
    /// Fails where the environment names a function that the application does not have.
    pub(crate) fn new(functions: Arc<Functions>, config: LambdaConfig) -> Result<Self> {
        if let Some(name) = &config.function {
            functions.function(name).map_err(|error| {
                skyport_core::Error::new(error.kind(), format!("SKYPORT_FUNCTION: {}", error.message()))
            })?;
        }
        let (running, cut) = (watch::Sender::new(0), Shutdown::new());
        Ok(Self { functions, config, running, cut, warm: AtomicBool::new(false) })
    }

    /// What is to be connected to; once, for whoever asks first.
    pub(crate) fn cold_ports(&self) -> Option<Ports> {
        (!self.warm.swap(true, Ordering::Relaxed)).then(|| self.config.ports.clone())
    }

    /// The one function that this deployment is.
    fn named(&self) -> Option<FunctionRef<'_>> {
        let name = self.config.function.as_deref()?;
        self.functions.function(name).ok()
    }

    /// Whose an event is.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources::new(&self.functions, self.named())
    }

    pub(crate) fn enter(&self) -> Running<'_> {
        self.running.send_modify(|count| *count += 1);
        Running(&self.running)
    }

    async fn idle(&self) {
        // The sender is here: it never closes.
        let _ = self.running.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits for the shutdown, and then for what runs: it may go on for the grace period, and is cancelled then.
    pub(crate) async fn stopped(&self) {
        self.config.shutdown.triggered().await;
        if timeout(self.config.grace, self.idle()).await.is_ok() {
            return;
        }
        self.cut.trigger();
        if timeout(WIND_DOWN * 2, self.idle()).await.is_err() {
            tracing::warn!("invocations were cut off; their events come again");
        }
    }

    /// Does the work; once the grace period is over it is cancelled, and what has not ended a moment later is given up: `None`.
    pub(crate) async fn until_cut<T>(
        &self,
        cancellation: &Shutdown,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = self.cut.triggered() => cancellation.trigger(),
        }
        timeout(WIND_DOWN, work).await.ok()
    }
}
