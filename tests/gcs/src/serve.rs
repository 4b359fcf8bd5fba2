//! Connections: a request is read with its body, answered under the lock, and what it changed is told.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::account::{Accounts, service_account};
use crate::error::Failure;
use crate::exchange::{Reply, Request};
use crate::faults::{Fault, Faults};
use crate::notifications::Message;
use crate::store::Store;
use crate::{publish, route};

/// The most bytes of one request.
const MOST_BODY: usize = 512 << 20;
/// The most connections at once; others wait.
const MOST_CONNECTIONS: usize = 512;
/// So many lines of requests are kept.
const MOST_ASKED: usize = 10_000;
/// The most messages that wait to be published; whoever makes more waits.
const MOST_MESSAGES: usize = 1_000;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) site: Mutex<Site>,
}

/// All that is behind the lock.
#[derive(Debug)]
pub(crate) struct Site {
    store: Store,
    pub(crate) accounts: Accounts,
    pub(crate) faults: Faults,
    pub(crate) asked: VecDeque<String>,
}

impl Shared {
    pub(crate) fn new(url: &str) -> Self {
        let mut accounts = Accounts::default();
        // A test holds that it is one.
        let _ = accounts.trust(&service_account());
        let store = Store::at(url);
        let site = Site { store, accounts, faults: Faults::default(), asked: VecDeque::new() };
        Self { site: Mutex::new(site) }
    }
}

/// Serves until it is told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    pubsub: Option<String>,
    stopped: oneshot::Receiver<()>,
) {
    let (outbox, messages) = mpsc::channel(MOST_MESSAGES);
    let publisher = tokio::spawn(publish::all(messages, pubsub));
    tokio::select! {
        _ = stopped => {}
        () = accept(listener, shared, outbox) => {}
    }
    publisher.abort();
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, outbox: mpsc::Sender<Message>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the test server cannot listen"),
    };
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // Where there are no descriptors left, this would turn at full speed.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (shared, outbox) = (Arc::clone(&shared), outbox.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| handle(request, &shared, &outbox));
            let mut server = http1::Builder::new();
            let connection = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

/// An error closes the connection.
async fn handle(
    request: http::Request<Incoming>,
    shared: &Shared,
    outbox: &mpsc::Sender<Message>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let line = format!("{} {target}", head.method);
    let is_head = head.method == http::Method::HEAD;
    let Ok((body, whole)) = read(body).await else {
        let message = format!("This test server takes bodies of {MOST_BODY} bytes and no more.");
        return Ok(response(Failure::new(413, "uploadTooLarge", "EntityTooLarge", message).json(), is_head));
    };
    let request = Request::new(head, body, whole);
    let (reply, messages, hang_up) = {
        let mut site = shared.site.lock().unwrap_or_else(PoisonError::into_inner);
        site.answer(line, request)
    };
    for message in messages {
        // Its other end is there as long as the server is.
        let _ = outbox.send(message).await;
    }
    if hang_up { Err(HangUp) } else { Ok(response(reply, is_head)) }
}

impl Site {
    fn answer(&mut self, line: String, request: Result<Request, Failure>) -> (Reply, Vec<Message>, bool) {
        let fault = self.faults.take(&line);
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(line);
        let mut request = match request {
            Ok(request) => request,
            Err(failure) => return (failure.json(), Vec::new(), false),
        };
        let told =
            |status| Failure::new(status, "backendError", "InternalError", "A test asked for it.").json();
        match fault {
            Some(Fault::Refuse(status)) => return (told(status), Vec::new(), false),
            Some(Fault::KeepAtMost(bytes)) => request.keep_at_most = Some(bytes),
            Some(Fault::Hide(_) | Fault::HangUp) | None => {}
        }
        let reply = route::answer(&mut self.store, &request, &self.accounts);
        let messages = std::mem::take(&mut self.store.outbox);
        match fault {
            Some(Fault::Hide(status)) => (told(status), messages, false),
            fault => (reply, messages, fault == Some(Fault::HangUp)),
        }
    }
}

/// The body, as far as it came, and whether that is all of it. An error where it is too large.
async fn read(mut body: Incoming) -> Result<(Bytes, bool), TooLarge> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ok((bytes.freeze(), false)) };
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MOST_BODY {
            return Err(TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.freeze(), true))
}

struct TooLarge;

/// The answer that is none.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a test asked for no answer")
    }
}

impl std::error::Error for HangUp {}

fn response(reply: Reply, is_head: bool) -> Response<Full<Bytes>> {
    let Reply { status, headers, body } = reply;
    let length = body.len();
    let mut response = Response::new(Full::new(if is_head { Bytes::new() } else { body }));
    *response.headers_mut() = headers;
    *response.status_mut() = status;
    // Without it a client waits for the end of a body that is not there.
    if ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) {
        response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    response
}
