//! An application that the emulator calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use skyport_conformance::trigger::Platform;
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::deployed::Deployed;
use crate::relay::Exchange;
use crate::support::platform::rfc3339;
use crate::support::runtime_api::RuntimeApi;

/// How long the emulator may take to end what it has begun.
const LIMIT: Duration = Duration::from_secs(5);

/// How long it is waited for that no message is in flight, which a failure's backoff may be.
const SETTLING: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Running {
    api: RuntimeApi,
    exchange: Exchange,
    deployed: Deployed,
    shutdown: Shutdown,
    stopped: AtomicBool,
    adapter: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Running {
    pub(crate) fn new(
        api: RuntimeApi,
        exchange: Exchange,
        deployed: Deployed,
        shutdown: Shutdown,
        adapter: JoinHandle<Result<()>>,
    ) -> Self {
        let stopped = AtomicBool::new(false);
        Self { api, exchange, deployed, shutdown, stopped, adapter: Mutex::new(Some(adapter)) }
    }

    fn is_there(&self) -> Result<()> {
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Unavailable, "there is no function any more")),
            false => Ok(()),
        }
    }

    /// What was answered, the emulator deletes a moment later.
    async fn settled(&self) -> Result<()> {
        let settling = async {
            for queue in self.deployed.queues() {
                while queue.depth().await?.in_flight > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Ok(())
        };
        tokio::time::timeout(SETTLING, settling).await.unwrap_or(Ok(()))
    }
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        self.is_there()?;
        let uri = format!("{}{}", self.deployed.url, request.uri());
        *request.uri_mut() = uri.parse().map_err(|error| Error::invalid("no path").with_source(error))?;
        self.deployed.emulator.send(request).await
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        self.is_there()?;
        let event = json!({"skyport": {"schedule": function, "scheduled": rfc3339(scheduled)}});
        let answer = self.deployed.emulator.invoke(&self.deployed.events, &event).await?;
        match answer.headers().get("x-amz-function-error") {
            None => Ok(()),
            Some(_) => Err(Error::internal(String::from_utf8_lossy(answer.body()).into_owned())),
        }
    }

    async fn stop(&self) -> Result<()> {
        let Some(adapter) = self.adapter.lock().await.take() else { return Ok(()) };
        self.stopped.store(true, Ordering::Relaxed);
        self.deployed.disconnect().await?;
        self.shutdown.trigger();
        let ended =
            adapter.await.map_err(|error| Error::internal("the adapter broke off").with_source(error))?;
        self.api.withdraw();
        if !self.exchange.quiet(LIMIT).await {
            return Err(Error::new(ErrorKind::Timeout, "the emulator does not end what it has begun"));
        }
        self.settled().await?;
        self.deployed.remove().await?;
        ended
    }
}
