//! The whole of it, for the suite.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_cloud_run::{CloudRun, CloudRunConfig};
use skyport_conformance::trigger::{DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::{Functions, Trigger};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::BlobChange;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::MessageQueue;
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use skyport_memory::Memory;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use super::subscription::Subscription;
use super::{client, scheduler};

/// Cloud Run, with Pub/Sub and Cloud Scheduler before it.
#[derive(Debug)]
pub(crate) struct OnCloudRun;

#[async_trait]
impl TriggerHarness for OnCloudRun {
    fn name(&self) -> &'static str {
        "cloud-run"
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Memory::new()))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("memory", name)
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        let (stop, shutdown) = (Shutdown::new(), Shutdown::new());
        let mut queues = Vec::new();
        let mut jobs = HashSet::new();
        let mut carriers: HashMap<String, Arc<dyn MessageQueue>> = HashMap::new();
        for function in functions.iter() {
            match function.trigger() {
                Trigger::Queue { queue, .. } => queues.push((Arc::clone(queue), false)),
                Trigger::Blob { bucket, change } => {
                    let mut subscriber = Subscriber::new(format!("bench-{}", function.name()));
                    subscriber.created = *change == BlobChange::Created;
                    subscriber.deleted = *change == BlobChange::Deleted;
                    let queue = bucket.events(&subscriber).await?;
                    carriers.insert(queue.info().resource.clone(), Arc::clone(&queue));
                    queues.push((queue, true));
                }
                Trigger::Schedule(_) => drop(jobs.insert(function.name().to_owned())),
                _ => {}
            }
        }
        let mut config = CloudRunConfig::default();
        config.server.host = std::net::Ipv4Addr::LOCALHOST.into();
        config.server.port = 0;
        config.server.deadline = Some(Duration::from_millis(DEADLINE_MILLIS));
        config.server.grace = Duration::from_millis(GRACE_MILLIS);
        config.queues = Some(Arc::new(move |name| {
            let missing = || Error::new(ErrorKind::NotFound, "no such queue");
            carriers.get(name).cloned().ok_or_else(missing)
        }));
        let server = CloudRun::new(functions).config(config).shutdown(shutdown.clone()).signals(false);
        let bound = server.bind().await?;
        let address = bound.local_addr();
        let server = Mutex::new(Some(tokio::spawn(bound.run())));
        let mut subscriptions = JoinSet::new();
        for (queue, notifications) in queues {
            let stop = stop.clone();
            subscriptions.spawn(Subscription { address, queue, notifications, stop }.run());
        }
        Ok(Box::new(Running {
            address,
            jobs,
            stop,
            subscriptions: Mutex::new(subscriptions),
            shutdown,
            server,
        }))
    }
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    /// Of Cloud Scheduler.
    jobs: HashSet<String>,
    /// Of the services that call the process.
    stop: Shutdown,
    subscriptions: Mutex<JoinSet<()>>,
    /// Of the process.
    shutdown: Shutdown,
    server: Mutex<Option<JoinHandle<Result<()>>>>,
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        client::send(self.address, request).await
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        scheduler::fire(self.address, &self.jobs, function, scheduled).await
    }

    async fn stop(&self) -> Result<()> {
        self.stop.trigger();
        self.shutdown.trigger();
        let broke = |error| Error::internal("a task broke off").with_source(error);
        let ended = match self.server.lock().await.take() {
            Some(server) => server.await.map_err(broke)?,
            None => return Ok(()),
        };
        let mut subscriptions = self.subscriptions.lock().await;
        while let Some(ended) = subscriptions.join_next().await {
            ended.map_err(broke)?;
        }
        ended
    }
}
