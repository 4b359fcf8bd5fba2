//! The whole of it, for the suite.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use skyport_azure_functions::metadata::{Deployment, HttpForm};
use skyport_azure_functions::{AzureFunctions, AzureFunctionsConfig};
use skyport_conformance::Deviation;
use skyport_conformance::trigger::{DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::{Functions, Manifest, Trigger};
use skyport_core::blob::port::Subscriber;
use skyport_core::event::BlobChange;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use skyport_functions_host::{Handler, Host, Options};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use super::azure::Azure;
use super::grid::Subscription;
use super::source::Known;

/// Azure Functions, with requests in one of their forms.
#[derive(Debug)]
pub(crate) struct OnAzure {
    pub(crate) name: &'static str,
    pub(crate) form: HttpForm,
    pub(crate) deviations: &'static [Deviation],
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("the host failed").with_source(error)
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
        deployment.retry_pause = Duration::from_secs(1);
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
        let folder = tempfile::tempdir().map_err(failed)?;
        deployment.write(&manifest(&functions), folder.path())?;
        let shutdown = Shutdown::new();
        let mut config = AzureFunctionsConfig::default();
        config.server.port = 0;
        config.server.deadline = Some(Duration::from_millis(DEADLINE_MILLIS));
        config.server.grace = Duration::from_millis(GRACE_MILLIS);
        let handler = AzureFunctions::new(functions).config(config).shutdown(shutdown.clone()).signals(false);
        let bound = handler.bind().await?;
        let mut options = Options::new(folder.path());
        options.handler = Handler::At(bound.local_addr());
        options.queues = Arc::new(queues);
        let handler = Mutex::new(Some(tokio::spawn(bound.run())));
        let host = Arc::new(Host::start(options).await.map_err(failed)?);
        let (stop, mut subscriptions) = (Shutdown::new(), JoinSet::new());
        for (function, queue) in events {
            let (host, stop) = (Arc::clone(&host), stop.clone());
            subscriptions.spawn(Subscription { function, queue, host, stop }.run());
        }
        Ok(Box::new(Running { host, stop, subscriptions: Mutex::new(subscriptions), shutdown, handler }))
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
    host: Arc<Host>,
    /// Of Event Grid.
    stop: Shutdown,
    subscriptions: Mutex<JoinSet<()>>,
    /// Of the program.
    shutdown: Shutdown,
    handler: Mutex<Option<JoinHandle<Result<()>>>>,
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let unanswered =
            |error: hyper::Error| Error::new(ErrorKind::Unavailable, "no response").with_source(error);
        let refused =
            |error: std::io::Error| Error::new(ErrorKind::Unavailable, "no connection").with_source(error);
        let stream = TcpStream::connect(self.host.address()).await.map_err(refused)?;
        let client = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = client.await.map_err(unanswered)?;
        let connection = tokio::spawn(connection);
        let host = http::HeaderValue::from_static("example.azurewebsites.net");
        request.headers_mut().insert("host", host);
        let response = sender.send_request(request.map(Full::new)).await.map_err(unanswered)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(unanswered)?.to_bytes();
        connection.abort();
        Ok(http::Response::from_parts(parts, body))
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        self.host.fire(function, scheduled).await.map_err(failed)
    }

    async fn stop(&self) -> Result<()> {
        self.stop.trigger();
        self.shutdown.trigger();
        let Some(handler) = self.handler.lock().await.take() else { return Ok(()) };
        self.host.stop().await.map_err(failed)?;
        let broke = |error| Error::internal("a task broke off").with_source(error);
        let mut subscriptions = self.subscriptions.lock().await;
        while let Some(ended) = subscriptions.join_next().await {
            ended.map_err(broke)?;
        }
        handler.await.map_err(broke)??;
        // Whatever was asked of it, the program always gave an answer that ended the call.
        if let Some(open) = self.host.calls().into_iter().find(|call| call.ended.is_none()) {
            return Err(Error::internal(format!("a call of `{}` was never ended", open.function)));
        }
        Ok(())
    }
}
