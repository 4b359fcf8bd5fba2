//! A client that says exactly what it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// More of an answer is not kept.
const MOST: usize = 1 << 20;

/// A connection on which bytes are sent as they are.
#[derive(Debug)]
pub struct Raw(TcpStream);

/// What came back on a connection until it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub Vec<u8>);

impl Raw {
    /// A new connection.
    ///
    /// # Panics
    /// Where there is none to be had.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream =
            timeout(PATIENCE, TcpStream::connect(address)).await.expect("in time").expect("connects");
        Self(stream)
    }

    /// Sends bytes; false where the server has closed the connection, or takes no more of them.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        matches!(timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await, Ok(Ok(())))
    }

    /// Says that nothing more will be sent. The server may have closed the connection before.
    pub async fn finish(&mut self) {
        // Where it is closed already, there is nobody to tell.
        drop(self.0.shutdown().await);
    }

    /// Some bytes; none where the connection has ended.
    ///
    /// # Panics
    /// Where neither comes.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 16 << 10];
        // A reset is an end, too.
        let read =
            timeout(PATIENCE, self.0.read(&mut buffer)).await.expect("the server answers").unwrap_or(0);
        buffer.truncate(read);
        buffer
    }

    /// Reads until the server closes the connection, whether in peace or not.
    ///
    /// # Panics
    /// Where it does not close it.
    pub async fn closed(&mut self) -> Said {
        let mut all = Vec::new();
        loop {
            let some = self.read().await;
            if some.is_empty() {
                return Said(all);
            }
            if all.len() < MOST {
                all.extend_from_slice(&some);
            }
        }
    }

    /// Sends bytes on a connection of their own, says that this was all, and reads to the end.
    pub async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Said {
        let mut client = Self::connect(address).await;
        // Where the server has closed it, it has answered before.
        client.send(bytes).await;
        client.finish().await;
        client.closed().await
    }
}

impl Said {
    /// The status of each response of HTTP/1, in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<u16> {
        let text = String::from_utf8_lossy(&self.0);
        let starts = text.match_indices("HTTP/1.1 ").map(|(at, line)| at + line.len());
        starts.filter_map(|at| text.get(at..at + 3)?.parse().ok()).collect()
    }

    /// All of it as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The body of the last response.
    #[must_use]
    pub fn body(&self) -> String {
        self.text().rsplit_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
    }
}
