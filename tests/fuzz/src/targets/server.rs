//! Bytes of connections.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::time::Duration;

use skyport_server::{Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::bench::Stage;
use crate::worlds;

/// What begins a connection of HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// No answer to an input is longer: each byte of it may be answered with a refusal, and bodies are given back.
const LONGEST: u64 = 16 << 20;

/// No connection whose client has said all that it has to say lives so long.
const LIMIT: Duration = Duration::from_secs(120);

thread_local! {
    static ADDRESS: OnceCell<SocketAddr> = const { OnceCell::new() };
}

/// Whatever comes, the connection ends once its client has nothing more to say, what was said is HTTP, and the next client is served.
pub(super) fn connection(input: &[u8]) {
    worlds::real(async {
        let address = match ADDRESS.with(|address| address.get().copied()) {
            Some(address) => address,
            None => serve().await,
        };
        let said = timeout(LIMIT, talk(address, input)).await.expect("the connection ends");
        let is_http2 = input.starts_with(PREFACE);
        assert!(said.is_empty() || is_http2 || said.starts_with(b"HTTP/1."), "{:?}", said.get(..64));
        let health = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let said = timeout(LIMIT, talk(address, health)).await.expect("the connection ends");
        assert!(said.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&said));
    });
}

/// Serves the application from now on, and tells where.
async fn serve() -> SocketAddr {
    let stage = Stage::set().await;
    let mut config = ServerConfig::default();
    config.host = [127, 0, 0, 1].into();
    config.port = 0;
    let server = Server::without_triggers(stage.functions).config(config).signals(false);
    let bound = server.bind().await.expect("a free port");
    let address = bound.local_addr();
    tokio::spawn(bound.run());
    ADDRESS.with(|place| *place.get_or_init(|| address))
}

/// Says it all, and reads to the end.
async fn talk(address: SocketAddr, input: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(address).await.expect("the server listens");
    let (mut reader, mut writer) = client.split();
    let mut said = Vec::new();
    let writing = async {
        // The server may have had enough before.
        let written = writer.write_all(input).await;
        if written.is_ok() {
            writer.shutdown().await.ok();
        }
    };
    let reading = async {
        // A reset ends it as well as an end.
        let _ = (&mut reader).take(LONGEST).read_to_end(&mut said).await;
    };
    tokio::join!(writing, reading);
    assert!((said.len() as u64) < LONGEST, "an answer without end");
    said
}
