//! A client that costs little, so that what is measured is the server: one request after the other on a connection that stays, whose
//! answers it checks.

use std::net::SocketAddr;

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;
use skyport_measure::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::application::HELLO;
use crate::served::STREAMED;

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// As large as what a socket gives at once.
const BUFFER: usize = 256 << 10;

/// A request, and what its answer must be.
#[derive(Clone, Debug)]
pub struct Exchange {
    request: Vec<u8>,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    /// These bytes.
    Exactly(Vec<u8>),
    /// So many, of which each is an `x`.
    Long(usize),
}

impl Exchange {
    /// A small GET.
    #[must_use]
    pub fn get() -> Self {
        Self { request: head("GET", "/hello", None), answer: Answer::Exactly(HELLO.into()) }
    }

    /// A POST of so many bytes, which come back.
    #[must_use]
    pub fn echo(length: usize) -> Self {
        let body = vec![b'e'; length];
        Self { request: posted("/echo", &body), answer: Answer::Exactly(body) }
    }

    /// A long body out.
    #[must_use]
    pub fn download() -> Self {
        Self { request: head("GET", "/download", None), answer: Answer::Long(STREAMED) }
    }

    /// A long body in; its length comes back.
    #[must_use]
    pub fn upload() -> Self {
        let answer = Answer::Exactly(STREAMED.to_string().into());
        Self { request: posted("/upload", &vec![b'x'; STREAMED]), answer }
    }
}

fn head(method: &str, path: &str, length: Option<usize>) -> Vec<u8> {
    let length = length.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: load\r\naccept: */*\r\n{length}\r\n")
        .into()
}

fn posted(path: &str, body: &[u8]) -> Vec<u8> {
    [head("POST", path, Some(body.len())), body.to_vec()].concat()
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Where nobody listens there.
    pub async fn connect(address: SocketAddr) -> Outcome<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, buffer: vec![0; BUFFER] })
    }

    /// Asks once, and checks the answer.
    ///
    /// # Errors
    /// Where the answer is another, or the connection breaks off.
    pub async fn exchange(&mut self, exchange: &Exchange) -> Outcome {
        self.tcp.write_all(&exchange.request).await?;
        let mut filled = 0;
        let (length, body) = loop {
            filled += self.read(filled).await?;
            let seen = self.buffer.get(..filled).unwrap_or_default();
            if let Some(end) = seen.windows(END.len()).position(|window| window == END) {
                break (content_length(seen.get(..end).unwrap_or_default())?, end + END.len());
            }
        };
        match &exchange.answer {
            Answer::Exactly(wanted) => {
                while filled < body + length {
                    filled += self.read(filled).await?;
                }
                match self.buffer.get(body..filled) == Some(wanted) {
                    true => Ok(()),
                    false => Err("another body than it must be".into()),
                }
            }
            Answer::Long(wanted) if length == *wanted => {
                let mut left = length.checked_sub(filled - body).ok_or("more bytes than were announced")?;
                let mut last = self.buffer.get(filled - 1).copied();
                while left > 0 {
                    let read = self.read(0).await?;
                    left = left.checked_sub(read).ok_or("more bytes than were announced")?;
                    last = self.buffer.get(read - 1).copied();
                }
                if last == Some(b'x') { Ok(()) } else { Err("another body than it must be".into()) }
            }
            Answer::Long(wanted) => Err(format!("{length} bytes instead of {wanted}").into()),
        }
    }

    async fn repeat(&mut self, exchange: &Exchange, times: usize) -> Outcome {
        for _ in 0..times {
            self.exchange(exchange).await?;
        }
        Ok(())
    }

    /// Reads into the buffer from this place on; at least a byte.
    async fn read(&mut self, from: usize) -> Outcome<usize> {
        let room = self.buffer.get_mut(from..).filter(|room| !room.is_empty()).ok_or("too long an answer")?;
        match self.tcp.read(room).await? {
            0 => Err("the server closed the connection".into()),
            read => Ok(read),
        }
    }
}

/// That of a good answer.
fn content_length(head: &[u8]) -> Outcome<usize> {
    let head = std::str::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("answered {head:?}").into());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.ok_or_else(|| format!("no length: {head:?}").into())
}

/// So many requests in all, side by side over all connections.
///
/// # Errors
/// Where an answer is not as it must be.
pub async fn all(clients: &mut [Client], exchange: &Exchange, requests: usize) -> Outcome {
    let each = requests / clients.len().max(1);
    let asking: FuturesUnordered<_> =
        clients.iter_mut().map(|client| client.repeat(exchange, each)).collect();
    asking.try_collect().await
}
