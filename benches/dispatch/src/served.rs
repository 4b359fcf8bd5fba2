//! The same four functions over HTTP, as an application on the server adapter.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use skyport_core::app::{App, Context, Declaration, HandlerResult, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::http::{Request, Response, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Body, Error, Result};
use skyport_measure::Outcome;
use skyport_server::{Server, ServerConfig};

use crate::application::HELLO;

/// A streamed body, both ways.
pub const STREAMED: usize = 1 << 20;

/// The pieces of a response that is streamed.
const PIECE: usize = 64 << 10;

/// A body as a handler has it that reads a file.
pub fn pieces() -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
    static BYTES: [u8; PIECE] = [b'x'; PIECE];
    stream::iter(std::iter::repeat_n((), STREAMED / PIECE).map(|()| Ok(Bytes::from_static(&BYTES))))
}

async fn hello(_: Request, _: Context<()>) -> HandlerResult<&'static str> {
    Ok(HELLO)
}

async fn echo(request: Request, _: Context<()>) -> HandlerResult<Bytes> {
    Ok(request.bytes().await?)
}

async fn download(_: Request, _: Context<()>) -> HandlerResult<Body> {
    Ok(Body::from_stream(pieces()).with_len(STREAMED as u64))
}

async fn upload(request: Request, _: Context<()>) -> HandlerResult<Response> {
    let (mut body, mut length) = (request.into_body(), 0);
    while let Some(piece) = body.next().await {
        length += piece?.len();
    }
    Ok(Response::text(length.to_string()))
}

/// Opens nothing.
struct Nothing;

fn nothing<T>() -> Result<T> {
    Err(Error::unsupported("there are no resources here"))
}

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        nothing()
    }
    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        nothing()
    }
    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        nothing()
    }
}

/// Serves on a free port, which it tells, as long as the future is polled.
///
/// # Errors
/// Where it cannot listen, and what `tell` fails with.
pub async fn serve(tell: impl FnOnce(SocketAddr) -> Outcome) -> Outcome {
    let app = App::<()>::new("served")
        .http("hello", route::get("/hello"), hello)
        .http("echo", route::post("/echo"), echo)
        .http("download", route::get("/download"), download)
        .http("upload", route::post("/upload"), upload);
    let (functions, _) = app.bind(&Nothing)?;
    let mut config = ServerConfig::default();
    config.port = 0;
    let bound = Server::new(Arc::new(functions)).config(config).signals(false).bind().await?;
    tell(bound.local_addr())?;
    Ok(bound.run().await?)
}
