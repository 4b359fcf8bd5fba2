//! Requests in the forms that write them anew.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use skyport_azure_functions::metadata::HttpForm;
use skyport_core::Result;

use crate::application::Running;
use crate::support::client;
use crate::support::single::Single;

struct Client(Running);

impl Client {
    async fn of(form: HttpForm) -> Result<Self> {
        Ok(Self(Running::start(form, Arc::new(Single::nothing())).await?))
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>> {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        client::send(self.0.served.host.address(), request.body(body.into()).expect("a request")).await
    }

    async fn mirrored(&self) -> Result<(Value, Vec<String>)> {
        let headers = [("x-many", "one"), ("x-many", "two, three"), ("user-agent", "curl/8")];
        let response = self.send("GET", "/mirror/a%2Fb/%E2%98%BA?q=1&q=%2B+x&empty=", &headers, "").await?;
        assert_eq!(response.status(), 200);
        let cookies = response.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        Ok((serde_json::from_slice(response.body()).expect("JSON"), cookies.map(str::to_owned).collect()))
    }

    async fn end(self) -> Result<()> {
        assert!(self.0.served.stop().await?);
        Ok(())
    }
}

#[tokio::test]
async fn forwarded_queries_are_joined_and_all_else_survives() -> Result<()> {
    let client = Client::of(HttpForm::Forwarded).await?;
    let (told, cookies) = client.mirrored().await?;
    assert_eq!(told["uri"], "/mirror/a%2Fb/%E2%98%BA?q=1,%2B%20x&empty=");
    assert_eq!((&told["many"], &told["joined"]), (&"one, two, three".into(), &true.into()));
    assert_eq!((&told["agent"], &told["decoded"]), (&"curl/8".into(), &true.into()));
    assert_eq!(cookies, ["a=1", "b=2; Path=/"]);
    client.end().await
}

#[tokio::test]
async fn wrapped_requests_survive_and_of_several_cookies_one_does() -> Result<()> {
    let client = Client::of(HttpForm::Wrapped).await?;
    let (told, cookies) = client.mirrored().await?;
    assert_eq!(told["uri"], "/mirror/a%2Fb/%E2%98%BA?q=1&q=%2B+x&empty=");
    assert_eq!((&told["many"], &told["joined"]), (&"one+two, three".into(), &false.into()));
    assert_eq!((&told["agent"], &told["decoded"]), (&"curl/8".into(), &true.into()));
    assert_eq!(cookies, ["a=1"]);
    client.end().await
}

#[tokio::test]
async fn a_wrapped_problem_leaks_nothing() -> Result<()> {
    let client = Client::of(HttpForm::Wrapped).await?;
    let response = client.send("GET", "/problem", &[], "").await?;
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json; charset=utf-8");
    let body: Value = serde_json::from_slice(response.body()).expect("JSON");
    assert!(body["status"] == 500 && !body.to_string().contains("secret"), "{body}");
    client.end().await
}

#[tokio::test]
async fn wrapped_bodies_survive_as_text_and_requests_as_bytes_too() -> Result<()> {
    let client = Client::of(HttpForm::Wrapped).await?;
    for size in [0, 1, 4 << 20] {
        let text = "\u{e9}\"\\ \u{263a}\n".repeat(size / 10);
        let response = client.send("POST", "/echo", &[], text.clone()).await?;
        assert!(response.status() == 200 && response.body()[..] == *text.as_bytes(), "{size}");
    }
    let bytes: Vec<u8> = (0..=255).collect();
    let binary = [("content-type", "application/octet-stream")];
    let response = client.send("POST", "/echo", &binary, bytes).await?;
    assert_eq!(&response.body()[..], b"256 bytes, 32640");
    client.end().await
}

#[tokio::test]
async fn a_body_whose_length_is_not_told_is_lost_but_where_it_is_proxied() -> Result<()> {
    use http_body_util::{BodyExt, StreamBody};
    for (form, expected) in
        [(HttpForm::Proxied, "in pieces"), (HttpForm::Forwarded, ""), (HttpForm::Wrapped, "")]
    {
        let client = Client::of(form).await?;
        let stream =
            tokio::net::TcpStream::connect(client.0.served.host.address()).await.expect("a connection");
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("a handshake");
        let connection = tokio::spawn(connection);
        let pieces = ["in ", "pieces"]
            .map(|piece| Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from(piece))));
        let request = http::Request::post("/echo").header("host", "example.azurewebsites.net");
        let request = request.body(StreamBody::new(futures_util::stream::iter(pieces))).expect("a request");
        let response = sender.send_request(request).await.expect("a response");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(std::str::from_utf8(&body), Ok(expected), "{form:?}");
        drop(sender);
        connection.abort();
        client.end().await?;
    }
    Ok(())
}
