//! The socket: binding it, and taking connections from it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use crate::config::ServerConfig;
use crate::connection;
use crate::service::Shared;

/// How long no connection is taken after taking one failed: for lack of file handles, most often.
const BREATH: Duration = Duration::from_millis(200);

/// How many of those connections that are one too many are told so at once; more are closed without a word.
const TOLD: usize = 256;

/// An address that is taken already; connections wait there until a [`Server`](crate::Server) runs.
///
/// For a program that must know its port, where any free one will do, before it makes its server.
#[derive(Debug)]
pub struct Socket {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Socket {
    /// Takes the configured address.
    ///
    /// # Errors
    /// `Unavailable` where another program has the port, and what else keeps the address from being taken.
    pub async fn bind(config: &ServerConfig) -> Result<Self> {
        let listener = listen(SocketAddr::new(config.host, config.port)).await?;
        let address = listener.local_addr();
        let address =
            address.map_err(|error| Error::internal("the socket has no address").with_source(error))?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that was free where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let (kind, message) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                ErrorKind::Unavailable,
                format!("another program listens on {address}: stop it, or choose another port with PORT=.."),
            ),
            io::ErrorKind::PermissionDenied => (
                ErrorKind::PermissionDenied,
                format!("this user may not listen on {address}: choose a port from 1024 on with PORT=.."),
            ),
            io::ErrorKind::AddrNotAvailable => (
                ErrorKind::InvalidArgument,
                format!("this machine has no address {}: set HOST to one that it has", address.ip()),
            ),
            _ => (ErrorKind::Unavailable, format!("listening on {address} failed: set HOST and PORT")),
        };
        Error::new(kind, message).with_source(error)
    })
}

/// Takes connections and serves each in a task of its own, until the server is to stop. Those over the limit are turned away: left in
/// the system's queue, they would hang there, and keep out those that come after them.
pub(crate) async fn accept(listener: TcpListener, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
    let most = shared.config.max_connections.max(1);
    let mut turned_away = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shared.stop.triggered() => return,
            Some(ended) = connections.join_next() => note(ended),
            Some(ended) = turned_away.join_next() => note(ended),
            accepted = listener.accept() => match accepted {
                Ok((tcp, peer)) if connections.len() < most => {
                    connections.spawn(connection::serve(Arc::clone(shared), tcp, peer));
                }
                Ok((tcp, peer)) => {
                    shared.turned_away.count();
                    if turned_away.len() < TOLD {
                        turned_away.spawn(connection::turn_away(Arc::clone(shared), tcp, peer));
                    }
                }
                Err(error) if is_of_one_connection(&error) => {
                    tracing::debug!(%error, "a client went away before it was served");
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken; trying again");
                    breathe(shared, connections).await;
                }
            },
        }
    }
}

/// Waits for a connection to end, but not for long.
async fn breathe(shared: &Shared, connections: &mut JoinSet<()>) {
    tokio::select! {
        biased;
        () = shared.stop.triggered() => {}
        Some(ended) = connections.join_next() => note(ended),
        () = sleep(BREATH) => {}
    }
}

/// Waits for all connections to end.
pub(crate) async fn join(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        note(ended);
    }
}

/// Handlers' panics are caught long before; this one would be the server's own.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "serving a connection panicked");
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
