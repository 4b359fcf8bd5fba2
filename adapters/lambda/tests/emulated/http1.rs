//! Single requests, each on a connection of its own.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Sends a request to this host and port, and reads the whole response.
pub(crate) async fn send(address: &str, mut request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
    let host = http::HeaderValue::from_str(address)?;
    request.headers_mut().insert("host", host);
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        Ok::<_, hyper::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
    };
    tokio::pin!(connection, exchange);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            response = &mut exchange => return Ok(response?),
            // The response may be there already; the exchange tells.
            _ = &mut connection, if open => open = false,
        }
    }
}
