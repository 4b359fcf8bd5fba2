//! The whole of it, for the suite.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use skyport_conformance::trigger::{DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::{Functions, Trigger};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::BlobChange;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::MessageQueue;
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use skyport_lambda::LambdaConfig;
use skyport_memory::Memory;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use super::gateway::Gateway;
use super::mapping::Mapping;
use super::runtime_api::{Answer, RuntimeApi};

/// Lambda, with this before it.
#[derive(Debug)]
pub(crate) struct OnLambda {
    pub(crate) name: &'static str,
    pub(crate) api: RuntimeApi,
    pub(crate) gateway: Gateway,
    pub(crate) streaming: bool,
}

#[async_trait]
impl TriggerHarness for OnLambda {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Memory::new()))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("memory", name)
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        self.api.reset().await;
        let (stop, mut mappings) = (Shutdown::new(), JoinSet::new());
        let mut carriers: HashMap<String, Arc<dyn MessageQueue>> = HashMap::new();
        for function in functions.iter() {
            let (queue, notifications, batch) = match function.trigger() {
                Trigger::Queue { queue, batch_size } => (Arc::clone(queue), false, batch_size.unwrap_or(10)),
                Trigger::Blob { bucket, change } => {
                    let mut subscriber = Subscriber::new(format!("bench-{}", function.name()));
                    subscriber.created = *change == BlobChange::Created;
                    subscriber.deleted = *change == BlobChange::Deleted;
                    let queue = bucket.events(&subscriber).await?;
                    carriers.insert(queue.info().resource.clone(), Arc::clone(&queue));
                    (queue, true, 10)
                }
                _ => continue,
            };
            let (api, stop) = (self.api.clone(), stop.clone());
            mappings.spawn(Mapping { api, queue, notifications, batch, stop }.run());
        }
        let mut config = LambdaConfig::default();
        config.signals = false;
        config.response_streaming = self.streaming;
        config.grace = Duration::from_millis(GRACE_MILLIS);
        config.queues = Some(Arc::new(move |name| {
            let missing = || Error::new(ErrorKind::NotFound, "no such queue");
            carriers.get(name).cloned().ok_or_else(missing)
        }));
        let shutdown = config.shutdown.clone();
        let adapter = Mutex::new(Some(tokio::spawn(skyport_lambda::run(functions, config))));
        let mappings = Mutex::new(mappings);
        let (api, gateway) = (self.api.clone(), self.gateway);
        Ok(Box::new(Running { api, gateway, stop, mappings, shutdown, adapter }))
    }
}

#[derive(Debug)]
struct Running {
    api: RuntimeApi,
    gateway: Gateway,
    /// Of the services that call the function.
    stop: Shutdown,
    mappings: Mutex<JoinSet<()>>,
    /// Of the process.
    shutdown: Shutdown,
    adapter: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Running {
    async fn invoke(&self, event: &Value) -> Result<Answer> {
        let gone = || Error::new(ErrorKind::Unavailable, "there is no process any more");
        if self.stop.is_triggered() {
            return Err(gone());
        }
        self.api.invoke(event, Duration::from_millis(DEADLINE_MILLIS), None).await.ok_or_else(gone)
    }
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let answer = self.invoke(&self.gateway.event(&request)).await?;
        self.gateway.response(answer)
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        let event = json!({"skyport": {"schedule": function, "scheduled": rfc3339(scheduled)}});
        match self.invoke(&event).await? {
            Answer::Whole(Value::Null) => Ok(()),
            other => Err(Error::internal(format!("{other:?}"))),
        }
    }

    async fn stop(&self) -> Result<()> {
        self.stop.trigger();
        self.shutdown.trigger();
        let Some(adapter) = self.adapter.lock().await.take() else { return Ok(()) };
        let ended =
            adapter.await.map_err(|error| Error::internal("the adapter broke off").with_source(error))?;
        self.api.withdraw();
        let mut mappings = self.mappings.lock().await;
        while let Some(ended) = mappings.join_next().await {
            ended.map_err(|error| Error::internal("a mapping broke off").with_source(error))?;
        }
        ended
    }
}

/// A point in time as a schedule writes it.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (mut days, clock) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, days + 1)
}
