//! What the operating system's signals do. One test only: they concern the whole process.

#![cfg(unix)]
// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::app::{App, Context, Declaration, HandlerResult, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::http::{Request, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};
use skyport_server::{Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Nothing;

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Err(Error::unsupported("no buckets"))
    }
    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Err(Error::unsupported("no queues"))
    }
    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Err(Error::unsupported("no tables"))
    }
}

async fn slow(request: Request, _: Context<()>) -> HandlerResult<String> {
    tokio::time::sleep(Duration::from_millis(request.path_param("millis")?)).await;
    Ok("done".to_owned())
}

/// Begins a request of so many milliseconds on a new server, sends the signals, and gives what the client got.
async fn signalled(millis: u32, signals: &[&str]) -> String {
    let app = App::<()>::new("web").http("slow", route::get("/{millis}"), slow);
    let (functions, _) = app.bind(&Nothing).unwrap();
    let mut config = ServerConfig::default();
    config.port = 0;
    let bound = Server::new(Arc::new(functions)).config(config).bind().await.unwrap();
    let mut client = TcpStream::connect(bound.local_addr()).await.unwrap();
    let running = tokio::spawn(bound.run());
    client.write_all(format!("GET /{millis} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    for signal in signals {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sent = Command::new("kill").args(["-s", signal, &std::process::id().to_string()]).status();
        assert!(sent.unwrap().success(), "{signal}");
    }
    timeout(Duration::from_secs(5), running).await.expect("ends").expect("no panic").expect("no error");
    let mut received = Vec::new();
    // Cut off, it may be reset.
    let _ = client.read_to_end(&mut received).await;
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn the_first_signal_lets_requests_finish_and_the_second_ends_at_once() {
    assert!(signalled(600, &["TERM"]).await.ends_with("done"));
    assert!(signalled(600, &["INT"]).await.ends_with("done"));
    assert_eq!(signalled(60_000, &["TERM", "INT"]).await, "");
}
