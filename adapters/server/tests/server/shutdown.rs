//! How a server ends.

use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::app::{App, Context, HandlerResult};
use skyport_core::http::{Request, Response, route};
use skyport_server::Server;
use tokio::time::Instant;

use super::support::{Running, body, config, run, start, start_with, status};

async fn slow(request: Request, _: Context<()>) -> HandlerResult<String> {
    tokio::time::sleep(Duration::from_millis(request.path_param("millis")?)).await;
    Ok("done".to_owned())
}

fn app() -> App<()> {
    App::new("web").http("slow", route::get("/slow/{millis}"), slow)
}

#[tokio::test]
async fn what_runs_may_finish_and_nothing_new_begins() {
    let server = start(app()).await;
    let mut busy = server.connect().await;
    busy.send("GET /slow/500 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = server.connect().await;
    idle.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    idle.read_until("\r\n\r\nok").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.trigger();
    idle.closed().await;
    let answer = busy.read_to_end().await;
    assert_eq!(body(&answer), "done");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nobody listens");
    server.stop().await;
}

/// Shuts down, and says how long it took.
async fn time_to_end(server: Running) -> Duration {
    let begun = Instant::now();
    server.stop().await;
    begun.elapsed()
}

#[tokio::test]
async fn a_server_without_requests_ends_at_once_whatever_its_clients_do() {
    async fn refuse(_: Request, _: Context<()>) -> HandlerResult<Response> {
        Ok(Response::text("no").with_status(http::StatusCode::FORBIDDEN))
    }
    let server = start(app().http("refuse", route::post("/refuse"), refuse)).await;
    let mut clients = Vec::new();
    // Nothing yet, an answer read and more to come, half closed, half a head, half a second head, the start of HTTP/2,
    // HTTP/2 that never answers a ping, and an upload that was refused and does not stop.
    for (sent, answer) in [
        ("", ""),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", "\r\n\r\nok"),
        ("GET /slow/", ""),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /slow", "\r\n\r\nok"),
        ("PRI * HTTP", ""),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", ""),
        ("POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\nmore", "no"),
        ("POST /refuse HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9000000\r\n\r\n", "no"),
    ] {
        let mut client = server.connect().await;
        client.send(sent).await;
        client.read_until(answer).await;
        clients.push(client);
    }
    let mut half_closed = server.connect().await;
    half_closed.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    half_closed.read_until("\r\n\r\nok").await;
    tokio::io::AsyncWriteExt::shutdown(&mut half_closed.0).await.expect("half closed");
    drop(server.connect().await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let took = time_to_end(server).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_slow_reader_gets_the_end_of_its_response_after_the_shutdown() {
    const SIZE: usize = 12 << 20;
    async fn large(_: Request, _: Context<()>) -> HandlerResult<Vec<u8>> {
        Ok(vec![b'x'; SIZE])
    }
    let server = start(app().http("large", route::get("/large"), large)).await;
    let mut client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.shutdown.trigger();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(body(&client.read_to_end().await).len(), SIZE);
    server.stop().await;
}

#[tokio::test]
async fn what_outlives_the_grace_period_is_cancelled_and_told_so() {
    let mut config = config();
    config.grace = Duration::from_millis(200);
    let server = start_with(app(), config).await;
    let mut busy = server.connect().await;
    busy.send("GET /slow/60000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    server.shutdown.trigger();
    assert_eq!(status(&busy.read_to_end().await), 503);
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_handler_sees_that_it_is_cancelled() {
    async fn careful(_: Request, cx: Context<()>) -> HandlerResult<String> {
        cx.invocation().cancelled().await;
        Ok("put away".to_owned())
    }
    let mut config = config();
    config.grace = Duration::from_millis(100);
    let app = App::new("web").http("careful", route::get("/"), careful);
    let server = start_with(app, config).await;
    let mut busy = server.connect().await;
    busy.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.trigger();
    assert_eq!(body(&busy.read_to_end().await), "put away");
    server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_says_what_to_do() {
    let first = start(app()).await;
    let mut config = config();
    config.port = first.address.port();
    let (functions, _) = App::<()>::new("second").bind(&super::support::Nothing).expect("sound");
    let error = Server::new(std::sync::Arc::new(functions)).config(config).bind().await.expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("PORT=") && error.to_string().contains("127.0.0.1"), "{error}");
    first.stop().await;
}

#[tokio::test]
async fn a_providers_endpoint_comes_before_the_application() {
    #[derive(Debug)]
    struct Signed;

    #[async_trait::async_trait]
    impl skyport_core::provider::Endpoint for Signed {
        fn prefix(&self) -> &str {
            "/_signed/"
        }

        async fn serve(
            &self,
            request: http::Request<skyport_core::Body>,
        ) -> http::Response<skyport_core::Body> {
            assert_ne!(request.uri().path(), "/_signed/panic");
            http::Response::new(format!("signed {}", request.uri()).into())
        }
    }
    let (functions, _) = app().bind(&super::support::Nothing).expect("sound");
    let server =
        Server::new(std::sync::Arc::new(functions)).config(config()).endpoint(std::sync::Arc::new(Signed));
    let server = run(server).await;
    assert_eq!(body(&server.get("/_signed/a?b=c").await), "signed /_signed/a?b=c");
    assert_eq!(status(&server.get("/_signed/panic").await), 500);
    assert_eq!(body(&server.get("/slow/0").await), "done");
    server.stop().await;
}
