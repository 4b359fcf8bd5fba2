//! Bodies that are larger than what may be held in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skyport_core::app::{App, Context, HandlerResult};
use skyport_core::http::{Request, Response, route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::start;

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 1024;

async fn echo(request: Request, _: Context<()>) -> HandlerResult<Response> {
    Ok(Response::ok(request.into_body()))
}

#[tokio::test]
async fn a_large_body_streams_through_with_little_of_it_on_the_way() {
    let server = start(App::new("web").http("echo", route::post("/echo").body_limit(1 << 30), echo)).await;
    let mut client = server.connect().await;
    let length = CHUNK * CHUNKS;
    client.send(&format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")).await;
    let (mut reader, mut writer) = client.0.into_split();
    let sent = Arc::new(AtomicU64::new(0));
    let sending = tokio::spawn({
        let sent = Arc::clone(&sent);
        async move {
            for number in 0..CHUNKS {
                let chunk = vec![number as u8; CHUNK];
                writer.write_all(&chunk).await.expect("sends");
                sent.fetch_add(CHUNK as u64, Ordering::Relaxed);
            }
            writer
        }
    });
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reader.read_u8().await.expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 200"));
    // Nothing is read for a while: the sender must come to a halt, for nobody may hold what it sends.
    let mut before = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let now = sent.load(Ordering::Relaxed);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < (length / 2) as u64, "{before} bytes were taken in without being taken out");
    let mut chunk = vec![0; CHUNK];
    for number in 0..CHUNKS {
        reader.read_exact(&mut chunk).await.expect("all of it");
        assert!(chunk.iter().all(|byte| *byte == number as u8), "chunk {number}");
    }
    drop(sending.await.expect("sent"));
    server.stop().await;
}
