//! Clients that hold their responses back, over HTTP/2: their connection is well, and pings are answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use skyport_core::Body;
use skyport_core::app::{App, Context, HandlerResult};
use skyport_core::http::{Request, Response, route};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::support::{Running, config, start_with, status};

const STALL: Duration = Duration::from_millis(200);

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTP/2 client that takes in `window` bytes of each response until it is told otherwise.
async fn http2(server: &Running, window: Option<u32>) -> SendRequest<Empty<Bytes>> {
    let tcp = TcpStream::connect(server.address).await.expect("connects");
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (send, connection) = builder.handshake(TokioIo::new(tcp)).await.expect("HTTP/2");
    tokio::spawn(connection);
    send
}

async fn get(send: &mut SendRequest<Empty<Bytes>>, path: &str) -> http::Response<Incoming> {
    let request = http::Request::get(format!("http://server{path}")).body(Empty::new()).expect("a request");
    timeout(PATIENCE, send.send_request(request)).await.expect("in time").expect("a response")
}

/// At most one request, whose client may take nothing for a moment.
async fn start(app: App<()>) -> Running {
    let mut config = config();
    (config.max_requests, config.stall_timeout) = (1, STALL);
    start_with(app, config).await
}

#[tokio::test]
async fn a_response_that_its_client_holds_back_is_reset_and_its_place_is_free_again() {
    let large = async |_: Request, _: Context<()>| -> HandlerResult<Response> {
        Ok(Response::ok(Body::from(vec![b'x'; 1 << 20])))
    };
    let small = async |_: Request, _: Context<()>| -> HandlerResult<&'static str> { Ok("") };
    let app = App::new("web").http("large", route::get("/large"), large);
    let server = start(app.http("small", route::get("/small"), small)).await;

    for window in [0, 1] {
        let mut client = http2(&server, Some(window)).await;
        let mut held_back = get(&mut client, "/large").await;
        assert_eq!(held_back.status(), 200);
        // Nothing is read of it. The server alone knows when it has given up.
        let freed = async { while status(&server.get("/small").await) != 200 {} };
        timeout(PATIENCE, freed).await.expect("the place is free again");
        // It was this one alone: the connection is of use still.
        let served = async { while get(&mut client, "/small").await.status() != 200 {} };
        timeout(PATIENCE, served).await.expect("served on the same connection");
        // Whoever reads it after all is told that it is not whole.
        let read = async { while held_back.frame().await.expect("no end").is_ok() {} };
        timeout(PATIENCE, read).await.expect("reset");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_handler_that_is_slow_to_produce_its_body_is_not_cut() {
    let go = Arc::new(Semaphore::new(0));
    let slow = {
        let go = Arc::clone(&go);
        move |_: Request, _: Context<()>| {
            let go = Arc::clone(&go);
            async move {
                let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from("first, "))]);
                let second = futures_util::stream::once(async move {
                    go.acquire().await.map_err(std::io::Error::other)?.forget();
                    Ok(Bytes::from("second"))
                });
                HandlerResult::Ok(Response::ok(Body::from_stream(first.chain(second))))
            }
        }
    };
    let server = start(App::new("web").http("slow", route::get("/slow"), slow)).await;
    let mut client = http2(&server, None).await;
    let mut response = get(&mut client, "/slow").await;
    let first = response.frame().await.expect("a frame").expect("sound").into_data().expect("data");
    assert_eq!(first, "first, ");
    // The time that a client would be cut in has to pass: there is nothing to await.
    tokio::time::sleep(STALL * 5).await;
    go.add_permits(1);
    let rest = timeout(PATIENCE, response.collect()).await.expect("in time").expect("whole").to_bytes();
    assert_eq!(rest, "second");
    server.stop().await;
}
