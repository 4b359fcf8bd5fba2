//! Requests in each form.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use skyport_functions_host::Host;
use tokio::net::TcpStream;

use crate::handler::{Answer, Script, folder, start};

const FINE: Answer = (201, Some("text/plain"), "fine");
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn http(route: &str, level: &str) -> Value {
    json!([
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": level, "methods": ["get", "post"], "route": route},
        {"name": "res", "type": "http", "direction": "out"},
    ])
}

fn form(name: &str) -> Value {
    let mut handler = json!({"description": {"defaultExecutablePath": "handler"}});
    if !name.is_empty() {
        handler[name] = true.into();
    }
    json!({"customHandler": handler})
}

async fn send(
    host: &Host,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Response<Bytes> {
    let stream = TcpStream::connect(host.address()).await.expect("a connection");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    let connection = tokio::spawn(connection);
    let mut request =
        http::Request::builder().method(method).uri(path).header("host", "app.azurewebsites.net");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).expect("a request");
    let (parts, body) = sender.send_request(request).await.expect("a response").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    connection.abort();
    Response::from_parts(parts, body)
}

/// What a client sends that would be the host.
const HOSTILE: [(&str, &str); 8] = [
    ("x-azure-functions-invocationid", "mine"),
    ("x-ms-invocation-id", "mine"),
    ("x-many", "one"),
    ("x-many", "two"),
    ("cookie", "a=1"),
    ("te", "trailers"),
    ("traceparent", TRACE),
    ("user-agent", "curl/8"),
];

#[tokio::test]
async fn a_proxied_request_is_the_clients_under_the_hosts_headers() {
    let script = Script::new([("/api/a%2Fb/A", FINE)]);
    let folder = folder(&form("enableProxyingHttpRequest"), &[("all", http("{*path}", "anonymous"))]);
    let host = start(&script, &folder, |_| {}).await;
    let response = send(&host, "POST", "/api/a%2Fb/%41?q=1&q=+", &HOSTILE, "body").await;
    assert_eq!((response.status().as_u16(), &response.body()[..]), (201, &b"fine"[..]));
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    let asked = &script.asked()[0];
    assert_eq!(asked.line, "POST /api/a%2Fb/A?q=1&q=+");
    assert_eq!((asked.header("x-many"), asked.header("te"), &asked.body[..]), ("one, two", "", &b"body"[..]));
    assert_eq!((asked.header("host"), asked.header("user-agent")), ("app.azurewebsites.net", "curl/8"));
    let id = asked.header("x-azure-functions-invocationid");
    assert!(id.len() == 36 && id == asked.header("x-ms-invocation-id"), "{id}");
    assert!(asked.header("traceparent").starts_with(&TRACE[..35]) && asked.header("traceparent") != TRACE);
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn connections_to_the_program_are_used_again() {
    let script = Script::new([("/api/a", FINE)]);
    let folder = folder(&form("enableProxyingHttpRequest"), &[("all", http("{*path}", "anonymous"))]);
    let host = start(&script, &folder, |_| {}).await;
    for _ in 0..5 {
        assert_eq!(send(&host, "POST", "/api/a", &[], "body").await.status(), 201);
    }
    // One of them asked whether it is ready.
    assert!(script.connections() < 3, "{}", script.connections());
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_forwarded_request_is_written_anew() {
    let script = Script::new([("/api/a", FINE)]);
    let folder = folder(&form("enableForwardingHttpRequest"), &[("all", http("{*path}", "anonymous"))]);
    let host = start(&script, &folder, |_| {}).await;
    let mut headers = HOSTILE.to_vec();
    headers.extend([("content-type", "text/plain"), ("content-language", "en")]);
    let response = send(&host, "POST", "/api/a?q=1&q=+&r", &headers, "body").await;
    assert_eq!(
        (response.status().as_u16(), response.headers().get_all("set-cookie").iter().count()),
        (201, 2)
    );
    let asked = &script.asked()[0];
    assert_eq!((asked.line.as_str(), &asked.body[..]), ("POST /api/a?q=1,%20&r=", &b"body"[..]));
    assert_eq!((asked.header("content-type"), asked.header("content-language")), ("text/plain", ""));
    let id = asked.header("x-azure-functions-invocationid");
    assert!(id.starts_with("mine, ") && id.len() == 42, "{id}");
    assert_eq!(asked.header("x-ms-invocation-id"), "mine");
    assert!(asked.header("user-agent").starts_with("curl/8 Azure-Functions-Host/4."));
    // Without a body nothing is told of one.
    send(&host, "GET", "/api/a", &[("content-type", "text/plain")], "").await;
    assert_eq!(script.asked()[1].header("content-type"), "");
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_wrapped_request_is_json_and_so_is_its_answer() {
    let answer = r#"{"outputs":{"res":{"StatusCode":"418","headers":{"x-a":1,"Content-Type":"text/html"},"body":"<p>"}}}"#;
    let script = Script::new([("/all", (200, Some("application/json"), answer))]);
    let folder = folder(&form(""), &[("all", http("{*path}", "anonymous"))]);
    let host = start(&script, &folder, |_| {}).await;
    let response = send(&host, "POST", "/api/a%2Fb/c?q=1&q=2", &HOSTILE, "body").await;
    assert_eq!((response.status().as_u16(), &response.body()[..]), (418, &b"<p>"[..]));
    assert_eq!(
        (&response.headers()["x-a"], &response.headers()["content-type"]),
        (&"1".parse().expect("a value"), &"text/html; charset=utf-8".parse().expect("a value"))
    );
    let request = script.asked()[0].json()["Data"]["req"].clone();
    assert_eq!(request["Url"], "http://app.azurewebsites.net/api/a%2Fb/c?q=1&q=2");
    assert_eq!((&request["Method"], &request["Body"]), (&json!("POST"), &json!("body")));
    assert_eq!((&request["Query"], &request["Params"]), (&json!({"q": "1,2"}), &json!({"path": "a%2Fb/c"})));
    assert_eq!(request["Headers"]["X-Many"], json!(["one", "two"]));
    let binary = [("content-type", "application/octet-stream")];
    send(&host, "POST", "/api/a", &binary, "body").await;
    assert_eq!(script.asked()[1].json()["Data"]["req"]["Body"], "Ym9keQ==");
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_is_no_functions_is_answered_by_the_host() {
    let script = Script::new([("/items/1", FINE)]);
    let mut settings = form("enableProxyingHttpRequest");
    settings["extensions"] = json!({"http": {"routePrefix": ""}});
    let functions = [("items", http("items/{id}", "anonymous")), ("locked", http("locked", "function"))];
    let folder = folder(&settings, &functions);
    let host = start(&script, &folder, |_| {}).await;
    for (method, path, status) in [
        ("GET", "/items/1", 201),
        ("GET", "/ITEMS/1", 404),
        ("GET", "/items", 404),
        ("DELETE", "/items/1", 404),
        ("GET", "/locked", 401),
        ("GET", "/", 200),
        ("GET", "/%00", 400),
    ] {
        assert_eq!(send(&host, method, path, &[], "").await.status().as_u16(), status, "{method} {path}");
    }
    // The route does not look at case: the program is asked, which does.
    assert_eq!(script.asked().len(), 2);
    host.stop().await.expect("it stops");
}
