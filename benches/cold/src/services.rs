//! Enough of the clouds' services for a first use of each: every call is answered at once, and the writes are counted.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use skyport_measure::Outcome;
use tokio::net::TcpListener;

use crate::grpc;

/// What was written so far.
#[derive(Debug, Default)]
struct Written {
    objects: AtomicUsize,
    items: AtomicUsize,
    messages: AtomicUsize,
}

/// The services, on one port: over HTTP/1 and HTTP/2, told apart by what is asked.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) address: SocketAddr,
    written: Arc<Written>,
}

impl Services {
    /// On a thread of their own, until this process ends.
    pub(crate) fn start() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let (address, written) = (listener.local_addr()?, Arc::new(Written::default()));
        let counted = Arc::clone(&written);
        thread::spawn(move || runtime.block_on(serve(&listener, &counted)));
        Ok(Self { address, written })
    }

    /// How many objects, items and messages were written since this was last asked.
    pub(crate) fn written(&self) -> [usize; 3] {
        let Written { objects, items, messages } = &*self.written;
        [objects, items, messages].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

async fn serve(listener: &TcpListener, written: &Arc<Written>) {
    loop {
        // One that was given up before it was taken is nobody's loss.
        let Ok((stream, _)) = listener.accept().await else { continue };
        // An answer of several pieces would wait for the client's delayed acknowledgement of the first, which is 40 ms.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let written = Arc::clone(written);
        tokio::spawn(async move {
            let answering = service_fn(move |request| answer(Arc::clone(&written), request));
            let server = auto::Builder::new(TokioExecutor::new());
            // A client that is ended closes its connections as it may.
            let _ = server.serve_connection(TokioIo::new(stream), answering).await;
        });
    }
}

pub(crate) type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(written: Arc<Written>, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let one_more = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst);
    let path = head.uri.path();
    Ok(match path.split('/').nth(1).unwrap_or_default() {
        "upload" if head.method == Method::POST => {
            one_more(&written.objects);
            whole(200, &[("content-type", "application/json")], r#"{"generation":"1"}"#)
        }
        "google.pubsub.v1.Publisher" if path.ends_with("/Publish") => {
            one_more(&written.messages);
            grpc::published()
        }
        "google.firestore.v1.Firestore" if path.ends_with("/Commit") => {
            one_more(&written.items);
            grpc::committed()
        }
        "google.firestore.v1.Firestore" if path.ends_with("/BatchGetDocuments") => grpc::found(&body),
        "blob" if head.method == Method::PUT => {
            one_more(&written.objects);
            whole(201, &[("etag", "\"0x8D0\""), ("last-modified", NOW), ("content-length", "0")], "")
        }
        "queue" if head.method == Method::POST => {
            one_more(&written.messages);
            whole(201, &[("content-type", "application/xml")], SENT)
        }
        "table" if [Method::PUT, Method::POST, Method::PATCH].contains(&head.method) => {
            one_more(&written.items);
            whole(204, &[("etag", "W/\"datetime'2026-01-01T00%3A00%3A00Z'\"")], "")
        }
        _ => whole(404, &[], ""),
    })
}

const NOW: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

const SENT: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList><QueueMessage>\
    <MessageId>219f8380-5770-4cc2-8c3e-5c715e145f5e</MessageId><InsertionTime>Thu, 01 Jan 2026 00:00:00 GMT</InsertionTime>\
    <ExpirationTime>Thu, 08 Jan 2026 00:00:00 GMT</ExpirationTime><PopReceipt>AAAA</PopReceipt>\
    <TimeNextVisible>Thu, 01 Jan 2026 00:00:00 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>";

fn whole(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
    let body = http_body_util::Full::new(Bytes::from_static(body.as_bytes())).boxed();
    let mut answer = Response::new(body);
    // All statuses of this file are some.
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
    answer.headers_mut().extend(headers.collect::<HeaderMap>());
    answer
}
