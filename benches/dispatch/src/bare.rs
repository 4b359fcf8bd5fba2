//! The same four functions on bare axum, over hyper with the settings that the server adapter gives it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use skyport_bench_dispatch::application::HELLO;
use skyport_bench_dispatch::served::{STREAMED, pieces};
use skyport_measure::Outcome;
use tokio::net::TcpListener;

/// As the server adapter's default.
const HEADERS: usize = 64 << 10;

async fn hello() -> &'static str {
    HELLO
}

async fn echo(body: Bytes) -> Bytes {
    body
}

async fn download() -> (HeaderMap, Body) {
    let length = (header::CONTENT_LENGTH, HeaderValue::from(STREAMED));
    (HeaderMap::from_iter([length]), Body::from_stream(pieces()))
}

async fn upload(body: Body) -> Result<String, StatusCode> {
    let (mut body, mut length) = (body.into_data_stream(), 0);
    while let Some(piece) = body.next().await {
        length += piece.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(length.to_string())
}

/// Serves on a free port, which it tells, as long as the future is polled.
///
/// # Errors
/// Where it cannot listen, and what `tell` fails with.
pub async fn serve(tell: impl FnOnce(SocketAddr) -> Outcome) -> Outcome {
    let router = Router::new()
        .route("/hello", get(hello))
        .route("/echo", post(echo))
        .route("/download", get(download))
        .route("/upload", post(upload))
        // That of a route of ours.
        .layer(DefaultBodyLimit::max(20 << 20));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell(listener.local_addr()?)?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.half_close(true).header_read_timeout(None).max_header_size(HEADERS).max_buf_size(HEADERS);
            if let Err(error) = builder.serve_connection(TokioIo::new(tcp), service).await {
                eprintln!("a connection broke off: {error}");
            }
        });
    }
}
