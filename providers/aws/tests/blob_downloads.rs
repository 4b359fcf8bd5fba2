//! A download whose connection breaks, over a real socket.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::Bucket;
use skyport_core::provider::{Provider, ResourceUrl};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod stub;

const BODY: &str = "0123456789";

/// The head of the next request on a connection.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.expect("a request") == 0 {
            break;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text").to_lowercase()
}

/// Answers a GET with what it asks for, four bytes a connection, and tells the ranges and etags that were asked for.
async fn serve(listener: TcpListener) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    let mut from = 0;
    while from < BODY.len() {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = head(&mut stream).await;
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        asked.push((header("range"), header("if-match")));
        let (status, range) = match from {
            0 => ("200 OK", String::new()),
            _ => ("206 Partial Content", format!("content-range: bytes {from}-9/10\r\n")),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{range}etag: \"e\"\r\nlast-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n{}",
            BODY.len() - from,
            &BODY[from..BODY.len().min(from + 4)],
        );
        stream.write_all(answer.as_bytes()).await.expect("sent");
        stream.flush().await.expect("flushed");
        from += 4;
    }
    asked
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_download_is_made_again_for_the_rest() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut config = AwsConfig::default();
    config.region = Some("us-east-1".to_owned());
    config.endpoint = Some(format!("http://{}", listener.local_addr().expect("an address")));
    config.credentials = Some(SharedCredentialsProvider::new(stub::credentials(None)));
    let served = tokio::spawn(serve(listener));
    let bucket = Bucket::new(Aws::with(config).bucket(&ResourceUrl::new("s3", "b")).expect("opens"));
    let read = tokio::time::timeout(Duration::from_secs(30), bucket.get("k").text()).await;
    assert_eq!(read.expect("in time").expect("the whole"), BODY);
    let asked = served.await.expect("served");
    let rest = |range: &str| (range.to_owned(), "\"e\"".to_owned());
    assert_eq!(asked, [(String::new(), String::new()), rest("bytes=4-9"), rest("bytes=8-9")]);
}
