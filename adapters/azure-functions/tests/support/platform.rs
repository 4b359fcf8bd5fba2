//! The whole of it, for the suite.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use skyport_azure_functions::AzureFunctionsConfig;
use skyport_azure_functions::metadata::{Deployment, HttpForm};
use skyport_conformance::Deviation;
use skyport_conformance::trigger::{DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::{Functions, Manifest, Trigger};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::BlobChange;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Error, Result, Shutdown};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::azure::Azure;
use super::client;
use super::grid::Subscription;
use super::served::{Served, failed};
use super::source::Known;

/// Azure Functions, with requests in one of their forms.
#[derive(Debug)]
pub(crate) struct OnAzure {
    pub(crate) name: &'static str,
    pub(crate) form: HttpForm,
    pub(crate) deviations: &'static [Deviation],
}

/// What the suite's application would deploy: its ordered queue is an ordinary one here.
fn manifest(functions: &Functions) -> Manifest {
    let mut manifest = functions.manifest().clone();
    for resource in &mut manifest.resources {
        if let ResourceKind::Queue(settings) = &mut resource.kind {
            settings.ordered = false;
        }
    }
    manifest
}

#[async_trait]
impl TriggerHarness for OnAzure {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Azure::new()))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("memory", name)
    }

    fn deviations(&self) -> Vec<Deviation> {
        self.deviations.to_vec()
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        let (mut queues, mut events) = (Known::default(), Vec::new());
        let mut deployment = Deployment::new("handler");
        deployment.http = self.form;
        // The host's own pause stays what it is, 30 s: what comes again sooner was given back by the program.
        for function in functions.iter() {
            match function.trigger() {
                Trigger::Queue { queue, .. } => {
                    let name = queue.info().resource.clone();
                    queues.0.push((name.clone(), Arc::clone(queue)));
                    // The suite's resources have the names of its functions, but for one.
                    let resource =
                        if function.name() == "ordered" { "ordered" } else { resource_of(function.name()) };
                    deployment.queues.insert(resource.to_owned(), name);
                }
                Trigger::Blob { bucket, change } => {
                    let mut subscriber = Subscriber::new(format!("bench-{}", function.name()));
                    subscriber.created = *change == BlobChange::Created;
                    subscriber.deleted = *change == BlobChange::Deleted;
                    events.push((function.name().to_owned(), bucket.events(&subscriber).await?));
                }
                _ => {}
            }
        }
        let mut config = AzureFunctionsConfig::default();
        config.server.deadline = Some(Duration::from_millis(DEADLINE_MILLIS));
        config.server.grace = Duration::from_millis(GRACE_MILLIS);
        let manifest = manifest(&functions);
        let served = Served::start(functions, &manifest, &deployment, config, Arc::new(queues)).await?;
        let (stop, mut subscriptions) = (Shutdown::new(), JoinSet::new());
        for (function, queue) in events {
            let (host, stop) = (Arc::clone(&served.host), stop.clone());
            subscriptions.spawn(Subscription { function, queue, host, stop }.run());
        }
        Ok(Box::new(Running { served, stop, subscriptions: Mutex::new(subscriptions) }))
    }
}

fn resource_of(function: &str) -> &str {
    match function {
        "job" => "jobs",
        "batch" => "batches",
        other => other,
    }
}

#[derive(Debug)]
struct Running {
    served: Served,
    /// Of Event Grid.
    stop: Shutdown,
    subscriptions: Mutex<JoinSet<()>>,
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        client::send(self.served.host.address(), request).await
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        self.served.host.fire(function, scheduled).await.map_err(failed)
    }

    async fn stop(&self) -> Result<()> {
        self.stop.trigger();
        if !self.served.stop().await? {
            return Ok(());
        }
        let mut subscriptions = self.subscriptions.lock().await;
        while let Some(ended) = subscriptions.join_next().await {
            ended.map_err(|error| Error::internal("a task broke off").with_source(error))?;
        }
        Ok(())
    }
}
