//! What stands before the adapter: it passes pushes on as they come, and writes down what becomes of them.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use skyport_core::{Error, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::support::client;

/// It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Relay {
    /// Before the process at this address.
    pub(crate) async fn open(process: SocketAddr, ledger: Ledger) -> Result<Self> {
        let failed = |error| Error::internal("no address for the relay").with_source(error);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, process, ledger));
        Ok(Self { address, _serving: serving })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, process: SocketAddr, ledger: Ledger) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                connections.spawn(serve(stream, process, ledger.clone()));
            }
            Some(ended) = connections.join_next() => ended.expect("no panic"),
        }
    }
}

async fn serve(stream: TcpStream, process: SocketAddr, ledger: Ledger) {
    let service = service_fn(move |request| {
        let ledger = ledger.clone();
        async move { pass_on(process, &ledger, request).await }
    });
    // It breaks off where the process has, as a connection to the process itself would.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn pass_on(
    process: SocketAddr,
    ledger: &Ledger,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body =
        body.collect().await.map_err(|error| Error::internal("a push broke off").with_source(error))?;
    let body = body.to_bytes();
    let push: Value = serde_json::from_slice(&body).expect("a push is JSON");
    let subscription = push["subscription"].as_str().expect("a push names its subscription");
    let queue = subscription.rsplit('/').next().unwrap_or_default();
    let id = push["message"]["messageId"].as_str().expect("a message has an id");
    let under_way = ledger.push(queue);
    let response = client::send(process, Request::from_parts(head, body.clone())).await?;
    if matches!(response.status().as_u16(), 102 | 200 | 201 | 202 | 204) {
        ledger.acknowledged(queue, id);
    }
    drop(under_way);
    Ok(response.map(Full::new))
}
