//! Skyport on any machine or container: HTTP, queue workers, blob events and schedules, over any provider.
//!
//! ```no_run
//! # async fn example(functions: std::sync::Arc<skyport_core::app::Functions>) -> skyport_core::Result<()> {
//! use skyport_server::{Server, ServerConfig};
//!
//! let config = ServerConfig::from_env(|name| std::env::var(name).ok())?;
//! Server::new(functions).config(config).bind().await?.run().await
//! # }
//! ```
//!
//! # Environment
//! | variable | meaning | default |
//! |---|---|---|
//! | `PORT` | the port; 0 takes a free one | 8080 |
//! | `HOST` | the address to listen on; `0.0.0.0` for every one | 127.0.0.1 |
//! | `SKYPORT_DEADLINE` | the longest time for a request: `30`, `30s`, `500ms`, `2m` | none |
//! | `SKYPORT_GRACE` | how long running work may go on after SIGTERM | 10s |
//! | `SKYPORT_MAX_REQUESTS` | the most requests at work at once; one more is answered 503 | 1024 |
//!
//! # HTTP
//! HTTP/1.1 and, with the feature `http2`, HTTP/2 with prior knowledge on one port, no TLS: that is a proxy's work. Bodies stream both ways and are
//! never held whole. Paths, queries, repeated headers and percent encodings arrive as they were sent.
//!
//! `GET /healthz` is the server's own and comes before the application's routes: 200 `ok`, and 503 once it shuts down. Then
//! comes a provider's [`Endpoint`](skyport_core::provider::Endpoint), under its prefix, then the application.
//!
//! A handler runs to its end even where its client closes its half of the connection. A request's id is that of its header
//! `x-request-id`, where it has a fit one.
//!
//! An adapter for a platform that brings messages and events as requests is an [`Intercept`] of a server that starts nothing
//! else ([`Server::without_triggers`]).
//!
//! # Hostile clients
//! Every wait for a client ends: for the first bytes and for headers (10 s), for the next request (75 s), for the next piece
//! of a body (30 s), for a client that reads its response (30 s; over HTTP/2 each response by itself). Headers over 64 KiB, or more than 100 of them, get a 431.
//! A request whose body is not read by its handler is drained for a while, so that the client sees the answer. See
//! [`ServerConfig`].
//!
//! # Too much at once
//! A request over [`ServerConfig::max_requests`] is answered 503 with `Retry-After` at once, whatever its body is; so is the request of a
//! connection over [`ServerConfig::max_connections`], which is then closed. Where more of those come than can be told
//! (256 at once), they are closed without a word. Nobody is left waiting.
//!
//! # Shutdown
//! On SIGTERM and Ctrl-C no new work is taken; what runs may finish within the grace period, then it is cancelled and its
//! messages return. A second signal ends at once.

mod body;
mod config;
mod connection;
mod event;
mod gate;
mod intercept;
mod io;
mod listen;
mod patience;
mod pulse;
mod reply;
mod server;
mod service;
mod signal;
mod stall;

pub use config::ServerConfig;
pub use intercept::{Intercept, Intercepted};
pub use listen::Socket;
pub use server::{Bound, Server};
