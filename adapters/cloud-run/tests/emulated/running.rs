//! An application that the emulator calls.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_conformance::trigger::Platform;
use skyport_core::provider::Provider;
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::harness::Carrier;
use crate::ledger::Ledger;
use crate::pubsub::Pubsub;
use crate::relay::Relay;
use crate::support::{client, scheduler};

/// How long the emulator may take to end the pushes that it has begun.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: SocketAddr,
    /// Of Cloud Scheduler.
    pub(crate) jobs: HashSet<String>,
    /// What calls the process.
    pub(crate) queues: Vec<String>,
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) pubsub: Pubsub,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) ledger: Ledger,
    pub(crate) _relay: Relay,
    /// Of the process.
    pub(crate) shutdown: Shutdown,
    pub(crate) server: Mutex<Option<JoinHandle<Result<()>>>>,
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        client::send(self.process, request).await
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        scheduler::fire(self.process, &self.jobs, function, scheduled).await
    }

    async fn stop(&self) -> Result<()> {
        let Some(server) = self.server.lock().await.take() else { return Ok(()) };
        self.shutdown.trigger();
        let ended =
            server.await.map_err(|error| Error::internal("the server broke off").with_source(error))?;
        for queue in &self.queues {
            self.pubsub.hold(queue).await?;
        }
        let late = |_| Error::new(ErrorKind::Timeout, "the emulator does not end what it has begun");
        tokio::time::timeout(LIMIT, self.ledger.quiet()).await.map_err(late)?;
        for carrier in &self.carriers {
            carrier.remove(&*self.provider).await?;
        }
        ended
    }
}
