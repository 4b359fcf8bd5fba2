//! The way to the service: a connection of its own for each connection of a client.

use std::sync::{Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::body::{Ended, Passed};

/// Connects at the first request, and again where the service has closed the connection.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// `127.0.0.1:9000`
    authority: String,
    sender: Mutex<Option<Sender>>,
    is_http2: bool,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Passed>),
    Http2(http2::SendRequest<Passed>),
}

impl Sender {
    /// Waits until it takes a request; whether it ever will.
    async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(sender) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }
}

impl Upstream {
    pub(crate) fn new(authority: &str, is_http2: bool) -> Self {
        Self { authority: authority.to_owned(), sender: Mutex::default(), is_http2 }
    }

    /// Passes a request on.
    pub(crate) async fn send(&self, request: Request<Passed>) -> Result<Response<Incoming>, Ended> {
        match self.sender().await? {
            Sender::Http1(mut sender) => {
                let response = sender.send_request(request).await?;
                self.keep(Sender::Http1(sender));
                Ok(response)
            }
            Sender::Http2(mut sender) => Ok(sender.send_request(request).await?),
        }
    }

    /// One that takes a request: of HTTP/1.1 the only one, which is put back; of HTTP/2 one of many.
    async fn sender(&self) -> Result<Sender, Ended> {
        if let Some(mut sender) = self.take()
            && sender.is_ready().await
        {
            if let Sender::Http2(sender) = &sender {
                self.keep(Sender::Http2(sender.clone()));
            }
            return Ok(sender);
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<Sender, Ended> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        if self.is_http2 {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(ended(connection));
            sender.ready().await?;
            self.keep(Sender::Http2(sender.clone()));
            return Ok(Sender::Http2(sender));
        }
        let (mut sender, connection) = http1::handshake(io).await?;
        tokio::spawn(ended(connection));
        sender.ready().await?;
        Ok(Sender::Http1(sender))
    }

    fn take(&self) -> Option<Sender> {
        let mut kept = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            // Of which there may be many: it stays.
            Some(Sender::Http2(sender)) => Some(Sender::Http2(sender.clone())),
            _ => kept.take(),
        }
    }

    fn keep(&self, sender: Sender) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }
}

async fn ended(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the service ended early");
    }
}
