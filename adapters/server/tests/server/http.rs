//! Ordinary clients.

use ::http::StatusCode;
use axum::routing::get;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use skyport_core::Error;
use skyport_core::app::{App, Context, HandlerError, HandlerResult};
use skyport_core::http::{Request, Response, route};

use super::support::{body, config, start, start_with, status};

async fn hello(request: Request, _: Context<()>) -> HandlerResult<Response> {
    Ok(Response::text(format!("hello {}", request.path_param::<String>("name")?)))
}

async fn echo(request: Request, _: Context<()>) -> HandlerResult<Response> {
    Ok(Response::ok(request.bytes().await?))
}

/// Tells of the request what must survive.
async fn mirror(request: Request, cx: Context<()>) -> HandlerResult<Response> {
    let many: Vec<&str> =
        request.headers().get_all("x-many").iter().filter_map(|v| v.to_str().ok()).collect();
    let text = format!("{}|{}|{}", request.uri(), many.join("+"), cx.invocation().id);
    Ok(Response::text(text).with_header("set-cookie", "a=1").with_header("set-cookie", "b=2; Path=/"))
}

fn app() -> App<()> {
    App::new("web")
        .http("hello", route::get("/hello/{name}"), hello)
        .http("echo", route::post("/echo").body_limit(1000).accepts(["text/plain"]), echo)
        .http("mirror", route::any("/mirror/{*rest}"), mirror)
}

#[tokio::test]
async fn requests_find_their_function_and_the_rest_is_told_why_not() {
    let server = start(app()).await;
    let response = server.get("/hello/you").await;
    assert_eq!((status(&response), body(&response)), (200, "hello you"));
    assert!(response.to_lowercase().contains("\r\ndate: "), "{response}");
    let unknown = server.get("/nowhere").await;
    assert_eq!(status(&unknown), 404);
    assert!(unknown.contains("application/problem+json"), "{unknown}");
    let method = server.exchange("PUT /hello/you HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&method), 405);
    assert!(method.contains("allow: GET, HEAD\r\n"), "{method}");
    let media = "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: image/png\r\ncontent-length: 2\r\n\r\nxx";
    assert_eq!(status(&server.exchange(media).await), 415);
    server.stop().await;
}

#[tokio::test]
async fn head_tells_the_length_and_sends_no_body() {
    let server = start(app()).await;
    let response = server.exchange("HEAD /hello/you HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((status(&response), body(&response)), (200, ""));
    assert!(response.contains("content-length: 9\r\n"), "{response}");
    server.stop().await;
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other_and_pipelined_ones() {
    let server = start(app()).await;
    let mut client = server.connect().await;
    for name in ["one", "two"] {
        client.send(&format!("GET /hello/{name} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        client.read_until(&format!("hello {name}")).await;
    }
    let piped = "GET /hello/a HTTP/1.1\r\nhost: x\r\n\r\nGET /hello/b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    client.send(piped).await;
    let both = client.read_to_end().await;
    assert!(both.find("hello a").expect("first") < both.find("hello b").expect("second"), "{both}");
    server.stop().await;
}

#[tokio::test]
async fn paths_queries_headers_and_cookies_survive_as_they_were_sent() {
    let server = start(app()).await;
    let request = "GET /mirror/a%2Fb/%E2%98%BA/..%20?q=1&q=%2B+x&empty= HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   x-many: one\r\nx-many: two, three\r\nx-request-id: req-7\r\n\r\n";
    let response = server.exchange(request).await;
    assert_eq!(body(&response), "/mirror/a%2Fb/%E2%98%BA/..%20?q=1&q=%2B+x&empty=|one+two, three|req-7");
    assert!(response.contains("set-cookie: a=1\r\nset-cookie: b=2; Path=/\r\n"), "{response}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_asked_for_only_where_it_is_wanted() {
    let server = start(app()).await;
    let head = |length: u32| {
        format!("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")
    };
    let mut client = server.connect().await;
    client.send(&head(4)).await;
    client.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("ping").await;
    assert!(client.read_until("ping").await.starts_with("HTTP/1.1 200"));

    let mut client = server.connect().await;
    client.send(&head(1001)).await;
    let refused = client.read_to_end().await;
    assert_eq!(status(&refused), 413);
    assert!(!refused.contains("100 Continue"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_closes_its_half_gets_its_answer() {
    let server = start(app()).await;
    let mut client = server.connect().await;
    client.send("GET /hello/nc HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.expect("half closed");
    assert_eq!(body(&client.read_to_end().await), "hello nc");
    server.stop().await;
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_served_on_the_same_port() {
    let server = start(app()).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.expect("connects");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("speaks HTTP/2");
    let connection = tokio::spawn(connection);
    for (method, path, sent, expected) in [
        ("GET", "/hello/two", "", (200, "hello two")),
        ("POST", "/echo", "over two", (200, "over two")),
        ("HEAD", "/hello/two", "", (200, "")),
        ("GET", "/healthz", "", (200, "ok")),
    ] {
        let request = ::http::Request::builder().method(method).uri(format!("http://x{path}"));
        let response =
            sender.send_request(request.body(Full::<bytes::Bytes>::new(sent.into())).expect("sound")).await;
        let response: ::http::Response<hyper::body::Incoming> = response.expect("answers");
        let status = response.status().as_u16();
        let received = response.into_body().collect().await.expect("whole").to_bytes();
        assert_eq!((status, std::str::from_utf8(&received).expect("text")), expected, "{method} {path}");
    }
    // One body over the limit does not take the connection down.
    let long = ::http::Request::post("http://x/echo")
        .body(Full::<bytes::Bytes>::new(vec![b'x'; 4096].into()))
        .expect("sound");
    let refused: ::http::Response<hyper::body::Incoming> = sender.send_request(long).await.expect("answers");
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let again = ::http::Request::get("http://x/hello/again")
        .body(Full::<bytes::Bytes>::new("".into()))
        .expect("sound");
    assert_eq!(sender.send_request(again).await.expect("still there").status(), 200);
    drop(sender);
    server.stop().await;
    connection.await.expect("no panic").expect("ended in peace");
}

#[tokio::test]
async fn an_axum_router_answers_under_its_path() {
    let router =
        axum::Router::new()
            .route(
                "/api/who/{name}",
                get(|path: axum::extract::Path<String>| async move { format!("axum {}", path.0) }),
            )
            .route(
                "/api/context",
                get(|context: axum::Extension<Context<()>>| async move {
                    context.invocation().function.to_string()
                }),
            );
    let server = start(app().mount("api", "/api", router)).await;
    assert_eq!(body(&server.get("/api/who/you").await), "axum you");
    assert_eq!(body(&server.get("/api/context").await), "api");
    assert_eq!(status(&server.get("/api/none").await), 404);
    assert_eq!(body(&server.get("/hello/beside").await), "hello beside");
    server.stop().await;
}

#[tokio::test]
async fn failures_of_handlers_become_statuses_and_leak_nothing() {
    async fn fails(request: Request, _: Context<()>) -> HandlerResult<Response> {
        match request.path_param::<String>("how")?.as_str() {
            "plain" => Err("the password is hunter2".into()),
            "said" => Err(HandlerError::status(StatusCode::UNPROCESSABLE_ENTITY, "no picture")),
            "throttled" => {
                let slow = Error::new(skyport_core::ErrorKind::Throttled, "hunter2");
                Err(slow.with_retry_after(std::time::Duration::from_millis(1500)).into())
            }
            "panic" => panic!("hunter2"),
            _ => std::future::pending().await,
        }
    }
    let app = App::new("web").http("fails", route::get("/{how}"), fails);
    let mut config = config();
    config.deadline = Some(std::time::Duration::from_millis(200));
    let server = start_with(app, config).await;
    for (how, expected) in [("plain", 500), ("said", 422), ("throttled", 503), ("panic", 500), ("never", 504)]
    {
        let response = server.get(&format!("/{how}")).await;
        assert_eq!(status(&response), expected, "{response}");
        assert!(!response.contains("hunter2"), "{response}");
        assert!(response.contains(r#""status":"#), "{response}");
    }
    assert!(server.get("/throttled").await.contains("retry-after: 2\r\n"));
    server.stop().await;
}
