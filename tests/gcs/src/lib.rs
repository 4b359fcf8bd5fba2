//! A strict test server in the place of Cloud Storage, in memory, on a free port of this machine.
//!
//! It is written to Google's documentation of the JSON API, of the XML API as far as signed URLs use it, and of Pub/Sub
//! notifications; where the service is known to do otherwise than its page says, to what the service does. It knows nothing of
//! Skyport. It holds calls to what lax emulators let pass:
//!
//! - every precondition, on every call, at the start of a resumable upload and again at its end;
//! - generations that only grow, and metagenerations;
//! - resumable sessions: their ranges, their multiples of 256 KiB, their ends;
//! - copies that take several calls;
//! - the time, the headers and the signature of a signed URL;
//! - stored encodings, which it decodes for who does not accept gzip;
//! - buckets that are deleted only when they are empty.
//!
//! It asks nobody who they are, but for signed URLs and for writes by the XML API. It has no ACLs, no IAM, no encryption keys, no soft delete, no holds, no
//! `compose`, no batches, and ignores `fields`.
//!
//! ```
//! let server = skyport_gcs::Server::start()?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

mod account;
mod buckets;
mod checksum;
mod conditions;
mod download;
mod error;
mod exchange;
mod faults;
mod list;
mod notifications;
mod object;
mod publish;
mod rewrite;
mod route;
mod serve;
mod session;
mod signed;
mod store;
mod time;
mod upload;
mod xml;

pub use account::service_account;
pub use faults::Fault;

use serve::{Shared, Site};

/// What can be chosen.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Where it listens on 127.0.0.1; 0 is any free port.
    pub port: u16,
    /// Where Pub/Sub is, to which notifications go: `http://127.0.0.1:8085`. Without it they go nowhere.
    pub pubsub: Option<String>,
}

/// A server that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one without Pub/Sub, on a free port, in a thread of its own.
    ///
    /// # Errors
    /// Where there is no port or no thread.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Options::default())
    }

    /// Starts one.
    ///
    /// # Errors
    /// Where the port is taken, or there is no thread.
    pub fn start_with(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(&url));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let run = move || runtime.block_on(serve::serve(listener, served, options.pubsub, stopped));
        let thread = std::thread::Builder::new().name("skyport-gcs".to_owned()).spawn(run)?;
        Ok(Self { url, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is: `http://127.0.0.1:40123`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Trusts the signatures of another service account than [`service_account`], by its key file. Whether it is one.
    pub fn trust(&self, account: &Value) -> bool {
        self.site().accounts.trust(account).is_some()
    }

    /// Does this to the next request in whose line, `PUT /upload/storage/v1/b/..`, as it was sent, this text stands.
    pub fn on_next(&self, matching: &str, fault: Fault) {
        self.site().faults.add(matching, fault);
    }

    /// The lines of the requests so far, as they were sent; of very many the last ones.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.site().asked.iter().cloned().collect()
    }

    /// Waits until it ends, which it does not by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there would be nothing to do about it.
            let _ = thread.join();
        }
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.shared.site.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
