//! A server on a free port, and a client that says exactly what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::app::{App, Declaration, Opener, Resources};
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result, Shutdown};
use skyport_server::{Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens nothing: for applications without resources.
pub(crate) struct Nothing;

fn nothing<T>() -> Result<T> {
    Err(Error::unsupported("there are no resources here"))
}

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        nothing()
    }
    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        nothing()
    }
    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        nothing()
    }
}

/// A server that runs in a task of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<Result<()>>,
}

/// The defaults on a free port.
pub(crate) fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.port = 0;
    config
}

pub(crate) async fn start(app: App<()>) -> Running {
    start_with(app, config()).await
}

pub(crate) async fn start_with<R: Resources>(app: App<R>, config: ServerConfig) -> Running {
    let (functions, _) = app.bind(&Nothing).expect("a sound application");
    run(Server::new(Arc::new(functions)).config(config)).await
}

pub(crate) async fn run(server: Server) -> Running {
    let shutdown = Shutdown::new();
    let bound = server.shutdown(shutdown.clone()).signals(false).bind().await.expect("binds");
    let address = bound.local_addr();
    Running { address, shutdown, task: tokio::spawn(bound.run()) }
}

impl Running {
    /// A new connection.
    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.expect("connects"))
    }

    /// Sends `request` on a connection of its own and reads until the server closes it.
    pub(crate) async fn exchange(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.read_to_end().await
    }

    /// A GET on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
    }

    /// Shuts down, and waits for the end.
    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        timeout(PATIENCE, self.task).await.expect("ends").expect("no panic").expect("no error");
    }
}

/// A connection on which bytes are sent as they are.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("sends");
    }

    /// All that comes until the server closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut all = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut all)).await.expect("the server closes").expect("reads");
        String::from_utf8(all).expect("text")
    }

    /// Reads until `end` has come.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&all).contains(end) {
            let read = timeout(PATIENCE, self.0.read(&mut buffer)).await.expect("in time").expect("reads");
            assert!(read > 0, "closed before {end:?}: {}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(all).expect("text")
    }

    /// Waits for the server to close the connection, whether in peace or not.
    pub(crate) async fn closed(&mut self) {
        let mut buffer = [0; 4096];
        let closing = async { while !matches!(self.0.read(&mut buffer).await, Ok(0) | Err(_)) {} };
        timeout(PATIENCE, closing).await.expect("the server closes");
    }
}

/// The status of a response as text.
pub(crate) fn status(response: &str) -> u16 {
    let status = response.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no response: {response:?}"))
}

/// The body of a response as text.
pub(crate) fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
