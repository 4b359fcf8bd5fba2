//! The contract's section on functions, on the server: over real sockets, in real time, with the fakes behind it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use skyport_conformance::trigger::{self, DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::Functions;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::runtime::TriggersHandle;
use skyport_core::{Error, ErrorKind, Result, Shutdown};
use skyport_memory::Memory;
use skyport_server::{Server, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

#[derive(Debug)]
struct OnThisMachine;

#[async_trait]
impl TriggerHarness for OnThisMachine {
    fn name(&self) -> &'static str {
        "server"
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Memory::new()))
    }

    fn url(&self, _kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new("memory", name)
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        let mut config = ServerConfig::default();
        config.port = 0;
        config.deadline = Some(Duration::from_millis(DEADLINE_MILLIS));
        config.grace = Duration::from_millis(GRACE_MILLIS);
        let shutdown = Shutdown::new();
        let server = Server::new(functions).config(config).shutdown(shutdown.clone()).signals(false);
        let bound = server.bind().await?;
        let (address, triggers) = (bound.local_addr(), bound.triggers());
        let task = Mutex::new(Some(tokio::spawn(bound.run())));
        Ok(Box::new(Running { address, triggers, shutdown, task }))
    }
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    triggers: TriggersHandle,
    shutdown: Shutdown,
    task: Mutex<Option<JoinHandle<Result<()>>>>,
}

fn unanswered(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "no response").with_source(error)
}

#[async_trait]
impl Platform for Running {
    async fn request(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let stream = TcpStream::connect(self.address).await.map_err(unanswered)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(unanswered)?;
        let connection = tokio::spawn(connection);
        request.headers_mut().insert("host", http::HeaderValue::from_static("localhost"));
        let response = sender.send_request(request.map(Full::new)).await.map_err(unanswered)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(unanswered)?.to_bytes();
        connection.abort();
        Ok(http::Response::from_parts(parts, body))
    }

    async fn fire(&self, function: &str, scheduled: SystemTime) -> Result<()> {
        self.triggers.fire(function, scheduled).await.map(drop)
    }

    async fn stop(&self) -> Result<()> {
        self.shutdown.trigger();
        match self.task.lock().await.take() {
            Some(task) => task.await.map_err(unanswered)?,
            None => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    trigger::run(OnThisMachine)
}
