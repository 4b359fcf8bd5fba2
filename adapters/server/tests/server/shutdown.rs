//! How a server ends.

use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::app::{App, Context, HandlerResult};
use skyport_core::http::{Request, route};
use skyport_server::Server;
use tokio::time::Instant;

use super::support::{body, config, run, start, start_with, status};

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
