//! One request over a connection of its own.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use skyport_core::{Error, ErrorKind, Result};
use tokio::net::TcpStream;

fn unanswered(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "no response").with_source(error)
}

/// Sends a request and reads the whole response.
pub(crate) async fn send(
    address: SocketAddr,
    mut request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>> {
    let stream = TcpStream::connect(address).await.map_err(unanswered)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(unanswered)?;
    let connection = tokio::spawn(connection);
    let host = http::HeaderValue::from_static("example.azurewebsites.net");
    request.headers_mut().insert("host", host);
    let response = sender.send_request(request.map(Full::new)).await.map_err(unanswered)?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(unanswered)?.to_bytes();
    connection.abort();
    Ok(http::Response::from_parts(parts, body))
}
