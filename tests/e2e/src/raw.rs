//! A client that says exactly what it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection on which bytes are sent as they are.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// A new connection.
    ///
    /// # Panics
    /// Where there is none to be had.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("connects"))
    }

    /// Sends bytes; false where the server has closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that nothing more will be sent.
    ///
    /// # Panics
    /// Where the connection is broken already.
    pub async fn finish(&mut self) {
        self.0.shutdown().await.expect("half closed");
    }

    /// Reads until `end` has come, and gives all that came with it.
    ///
    /// # Panics
    /// Where the connection ends before.
    pub async fn read_until(&mut self, end: &str) -> String {
        self.read_until_any(&[end]).await
    }

    /// Reads until one of these has come, and gives all that came with it.
    ///
    /// # Panics
    /// Where the connection ends before.
    pub async fn read_until_any(&mut self, ends: &[&str]) -> String {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&all);
            if ends.iter().any(|end| text.contains(end)) {
                return text.into_owned();
            }
            let read = timeout(PATIENCE, self.0.read(&mut buffer)).await.expect("in time").expect("reads");
            assert!(read > 0, "closed before any of {ends:?}: {text}");
            all.extend_from_slice(&buffer[..read]);
        }
    }

    /// Reads until the server closes the connection, whether in peace or not; what came until then.
    ///
    /// # Panics
    /// Where it does not close it.
    pub async fn closed(&mut self) -> String {
        let mut all = Vec::new();
        // A reset ends it, too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut all)).await.expect("the server closes");
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// The status of a response as text.
///
/// # Panics
/// Where the text is none.
#[must_use]
pub fn status(response: &str) -> u16 {
    let status = response.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no response: {response:?}"))
}
