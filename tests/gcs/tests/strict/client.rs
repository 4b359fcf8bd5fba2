//! A plain client.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use skyport_gcs::Server;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reason of an error in Google's form, which must fit its status.
    pub(crate) fn reason(&self) -> String {
        let error = self.json()["error"].clone();
        assert_eq!(error["code"], self.status);
        assert_eq!(error["errors"][0]["domain"], "global");
        error["errors"][0]["reason"].as_str().unwrap().to_owned()
    }

    pub(crate) fn generation(&self) -> u64 {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()["generation"].as_str().unwrap().parse().unwrap()
    }
}

/// Sends bytes as they are, and reads all that comes until the connection's end.
pub(crate) fn raw(server: &Server, request: &[u8]) -> Vec<u8> {
    let stream = written(server, request);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    rest(stream)
}

/// What is answered to a request after which the server is to close the connection. A client that closes its side at once may not be
/// served at all.
pub(crate) fn until_closed(server: &Server, request: &[u8]) -> Vec<u8> {
    rest(written(server, request))
}

fn written(server: &Server, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request).unwrap();
    stream
}

fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// `line` is `GET /path`, or one with the server's own URL.
pub(crate) fn ask(server: &Server, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let (method, target) = line.split_once(' ').unwrap();
    let target = target.strip_prefix(server.url()).unwrap_or(target);
    let host = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    read(&text)
}

fn read(text: &[u8]) -> Answer {
    let end = text.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8_lossy(&text[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { status, headers, body: text[end + 4..].to_vec() }
}

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A server with a bucket `bkt`.
pub(crate) fn server() -> Server {
    let server = Server::start().unwrap();
    let made = ask(&server, "POST /storage/v1/b?project=p", &[JSON], br#"{"name":"bkt"}"#);
    assert_eq!(made.status, 200, "{}", made.text());
    server
}

/// Writes an object in one request, with more of a query: `&ifGenerationMatch=0`.
pub(crate) fn put(server: &Server, name: &str, body: &[u8], query: &str) -> Answer {
    let line = format!("POST /upload/storage/v1/b/bkt/o?uploadType=media&name={name}{query}");
    ask(server, &line, &[("Content-Type", "text/plain")], body)
}

/// An object's own call: `GET`, `?alt=media`.
pub(crate) fn object(server: &Server, method: &str, name: &str, query: &str) -> Answer {
    ask(server, &format!("{method} /storage/v1/b/bkt/o/{name}{query}"), &[], b"")
}

/// Writes an object with what is said of it.
pub(crate) fn multipart(server: &Server, resource: &str, content: &[u8]) -> Answer {
    let mut body =
        format!("--xx\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{resource}\r\n--xx\r\n\r\n")
            .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--xx--\r\n");
    let headers = [("Content-Type", "multipart/related; boundary=xx")];
    ask(server, "POST /upload/storage/v1/b/bkt/o?uploadType=multipart", &headers, &body)
}
