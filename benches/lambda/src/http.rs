//! As much of HTTP as the servers of this group speak: requests with a length, over connections that are kept.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// The longest body that is taken.
const LONGEST: usize = 1 << 20;

/// More than a subject opens at once.
const CONNECTIONS: usize = 16;

/// A request, whole.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names are in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The next of a connection; nothing where the client has closed it.
    fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut request = Self { method, path, ..Self::default() };
        loop {
            line.clear();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        request.body = vec![0; request.length()?];
        from.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    fn length(&self) -> io::Result<usize> {
        if self.header("transfer-encoding").is_some() {
            return Err(io::Error::other("a request came whose length is not known"));
        }
        let length = self.header("content-length").map_or(Ok(0), str::parse).map_err(io::Error::other)?;
        if length > LONGEST { Err(io::Error::other("a request came that is too long")) } else { Ok(length) }
    }
}

/// Answers a request.
pub(crate) fn answer(to: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    // At once: in two pieces the second would wait for the first's acknowledgement.
    to.write_all(&bytes)
}

/// Serves on a free port of this machine for as long as the process lives. The threads are there beforehand: none is made while a
/// subject waits.
pub(crate) fn serve<S: Send + Sync + 'static>(
    state: Arc<S>,
    handle: fn(&S, Request, &mut TcpStream) -> io::Result<()>,
) -> io::Result<SocketAddr> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0")?);
    let address = listener.local_addr()?;
    for _ in 0..CONNECTIONS {
        let (listener, state) = (Arc::clone(&listener), Arc::clone(&state));
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A subject that is ended breaks its connections.
                let _ = stream.and_then(|stream| converse(&*state, stream, handle));
            }
        });
    }
    Ok(address)
}

fn converse<S>(
    state: &S,
    mut stream: TcpStream,
    handle: fn(&S, Request, &mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut reader)? {
        handle(state, request, &mut stream)?;
    }
    Ok(())
}
