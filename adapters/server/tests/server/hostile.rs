//! Clients that err, stall or attack. After each, good ones are served.

use std::time::Duration;

use skyport_core::app::{App, Context, HandlerResult};
use skyport_core::http::{Request, Response, route};
use skyport_server::ServerConfig;
use tokio::time::Instant;

use super::support::{Running, body, config, start_with, status};

async fn length(request: Request, _: Context<()>) -> HandlerResult<String> {
    Ok(request.bytes().await?.len().to_string())
}

/// Says no before it has read anything.
async fn refuse(_: Request, _: Context<()>) -> HandlerResult<Response> {
    Ok(Response::text("no").with_status(http::StatusCode::FORBIDDEN))
}

fn quick() -> ServerConfig {
    let mut config = config();
    config.header_read_timeout = Duration::from_millis(300);
    config.stall_timeout = Duration::from_millis(300);
    config.keep_alive = Duration::from_millis(600);
    config
}

async fn start(config: ServerConfig) -> Running {
    let app = App::new("web")
        .http("length", route::post("/length").body_limit(1000), length)
        .http("refuse", route::post("/refuse"), refuse)
        .http("large", route::get("/large"), async |_: Request, _: Context<()>| -> HandlerResult<Vec<u8>> {
            Ok(vec![b'x'; 32 << 20])
        });
    start_with(app, config).await
}

async fn assert_well(server: &Running) {
    let request = "POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngood";
    assert_eq!(body(&server.exchange(request).await), "4");
}

#[tokio::test]
async fn a_body_over_the_limit_gets_a_413_whether_it_says_so_or_not() {
    let server = start(quick()).await;
    // All of it is sent before the answer is read: it must not be lost on the way.
    let declared = format!(
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n{}",
        "x".repeat(2_000_000)
    );
    let mut client = server.connect().await;
    client.send(&declared).await;
    assert_eq!(status(&client.read_until("\r\n\r\n").await), 413);
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = format!(
        "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(2000)
    );
    let mut client = server.connect().await;
    client.send(&chunked).await;
    let refused = client.read_until("\r\n\r\n").await;
    assert_eq!(status(&refused), 413, "{refused}");
    // Once drained, the connection is of use again.
    client.send("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(client.read_to_end().await.ends_with("\r\n\r\nok"));
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn headers_that_are_too_long_or_too_many_get_a_431() {
    let server = start(quick()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: 1\r\n".repeat(200));
    for request in [long, many] {
        let mut client = server.connect().await;
        client.send(&request).await;
        let refused = client.read_until("\r\n\r\n").await;
        assert_eq!(status(&refused), 431, "{refused}");
        client.closed().await;
    }
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_ends_early_is_the_clients_fault() {
    let server = start(quick()).await;
    let mut client = server.connect().await;
    client.send("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.expect("half closed");
    let refused = client.read_to_end().await;
    assert_eq!(status(&refused), 400, "{refused}");
    let broken = "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n";
    assert_eq!(status(&server.exchange(broken).await), 400);
    let mut client = server.connect().await;
    client.send("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort").await;
    drop(client);
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stalls_gets_a_400_and_its_connection_ends() {
    let server = start(quick()).await;
    let mut client = server.connect().await;
    client.send("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort").await;
    let refused = client.read_to_end().await;
    assert_eq!(status(&refused), 400, "{refused}");
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_headers_is_cut_off() {
    let server = start(quick()).await;
    // Nothing, the beginning of HTTP/2, and headers byte by byte.
    let mut silent = server.connect().await;
    let mut sniffed = server.connect().await;
    sniffed.send("PRI * HTTP").await;
    let mut slow = server.connect().await;
    slow.send("GET /healthz HTTP/1.1\r\n").await;
    let dripping = async {
        // Far more drips than the limit has room for, and no end of them by time: a stall would take it from the server as well.
        for _ in 0..1000 {
            if tokio::io::AsyncWriteExt::write_all(&mut slow.0, b"x").await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    };
    let ((), (), cut_off) = tokio::join!(silent.closed(), sniffed.closed(), dripping);
    assert!(cut_off, "who drips is served for ever");
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_not_too_soon() {
    let server = start(quick()).await;
    let mut client = server.connect().await;
    client.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.read_until("\r\n\r\nok").await;
    let idle = Instant::now();
    client.closed().await;
    assert!(idle.elapsed() >= Duration::from_millis(500), "{:?}", idle.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_cut_off() {
    let server = start(quick()).await;
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // More than sockets hold, and nobody reads: the server gives up, so the body never comes whole.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut all = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut client.0, &mut all).await;
    assert!(read.is_err() || all.len() < 32 << 20, "{} bytes", all.len());
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_response_before_the_body_was_read_reaches_its_client() {
    let server = start(config()).await;
    let mut client = server.connect().await;
    let upload = format!(
        "POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n{}",
        "x".repeat(3_000_000)
    );
    client.send(&upload).await;
    assert_eq!(status(&client.read_until("no").await), 403);
    server.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_http_get_a_400_and_nothing_else_happens() {
    let server = start(quick()).await;
    for garbage in [
        "\0\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.send(garbage).await;
        let refused = client.read_to_end().await;
        assert_eq!(status(&refused), 400, "{garbage:?} {refused:?}");
    }
    for odd in ["OPTIONS * HTTP/1.1", "CONNECT x:1 HTTP/1.1", "GET http://x/none HTTP/1.1"] {
        let answered = server.exchange(&format!("{odd}\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert_eq!(status(&answered), 404, "{odd}");
    }
    assert_well(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn many_bad_connections_keep_a_good_one_out_no_longer_than_they_may_last() {
    let mut config = quick();
    config.max_connections = 20;
    let server = start(config).await;
    let mut bad = Vec::new();
    for _ in 0..60 {
        let mut client = server.connect().await;
        client.send("POST /length HTTP/1.1\r\nhost").await;
        bad.push(client);
    }
    // While they last it is told to come again, and it does.
    let request = "POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngood";
    loop {
        let answered = server.exchange(request).await;
        if status(&answered) == 200 {
            assert_eq!(body(&answered), "4");
            break;
        }
        assert_eq!(status(&answered), 503, "{answered}");
        assert!(answered.contains("\r\nretry-after: 1\r\n"), "{answered}");
    }
    server.stop().await;
}
