//! The proxy itself: its listener and its connections.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Uri, request};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, RwLock, Semaphore};
use tokio::task::JoinHandle;

use crate::body::Ended;
use crate::exchange::exchange;
use crate::plan::{Course, Strike};
use crate::upstream::Upstream;
use crate::{Dialect, Plan, Tally};

/// The most connections at once; others wait.
const MOST_CONNECTIONS: usize = 512;

/// A proxy that runs in the runtime that started it. It takes no connection any more when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Where the service is: `127.0.0.1:9000`
    pub(crate) authority: String,
    pub(crate) dialect: Dialect,
    pub(crate) tally: Arc<Tally>,
    /// None where it only passes on.
    course: Mutex<Option<Course>>,
}

/// A connection of a client's.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) upstream: Upstream,
    /// Ends it, with all that is under way.
    pub(crate) cut: Notify,
    /// Whether it is to end. Read by each change from when it is passed on to its answer, so that none is cut off.
    pub(crate) is_cut: RwLock<bool>,
}

impl Proxy {
    /// Listens on a free port, before the service at `upstream`: `http://127.0.0.1:9000/path`.
    ///
    /// # Errors
    /// Where there is no port, or `upstream` is no URL of HTTP.
    pub async fn start(upstream: &str, dialect: Dialect, plan: Plan, tally: Arc<Tally>) -> io::Result<Self> {
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{upstream}: {why}"));
        let uri: Uri = upstream.parse().map_err(|_| wrong("this is no URL"))?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(|| wrong("a service is at `http://host:port`"))?.to_string();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}{}", listener.local_addr()?, uri.path().trim_end_matches('/'));
        let course = Mutex::new(Some(Course::new(plan)));
        let shared = Arc::new(Shared { authority, dialect, tally, course });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { url, shared, accepting })
    }

    /// Where it is, with the path of the service's URL and no `/` at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it strikes by this plan.
    pub fn unleash(&self, plan: Plan) {
        self.shared.set(Some(Course::new(plan)));
    }

    /// From now on it only passes on. What is under way may still be struck.
    pub fn calm(&self) {
        self.shared.set(None);
    }

    /// What it counted, with all that share its tally.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn set(&self, course: Option<Course>) {
        *self.course.lock().unwrap_or_else(PoisonError::into_inner) = course;
    }

    /// Counts a request, and says what is to strike it. What was done is counted where it is done.
    pub(crate) fn strike(&self, head: &request::Parts) -> Option<Strike> {
        self.tally.asked();
        let class = self.dialect.class(head);
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        course.as_mut()?.next(class, head)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
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
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Err(error) = serve(stream, shared).await {
                tracing::debug!(%error, "a client's connection ended early");
            }
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    let is_http2 = shared.dialect.is_grpc();
    let upstream = Upstream::new(&shared.authority, is_http2);
    let line = Arc::new(Line { upstream, cut: Notify::new(), is_cut: RwLock::new(false) });
    let own = Arc::clone(&line);
    let service = service_fn(move |request| {
        let (shared, line) = (Arc::clone(&shared), Arc::clone(&own));
        async move { exchange(request, &shared, &line).await }
    });
    let io = TokioIo::new(stream);
    let ended = async {
        if is_http2 {
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .serve_connection(io, service)
                .await
        } else {
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service).await
        }
    };
    tokio::select! {
        ended = ended => Ok(ended?),
        () = line.cut.notified() => Ok(()),
    }
}
