//! One client's connection: request after request.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::request::{Request, bad};
use super::uploads::Uploads;

/// What is read and written at once.
const BUFFER: usize = 256 << 10;

static ZEROS: [u8; BUFFER] = [0; BUFFER];

const ETAG: &str =
    "etag: \"e6d0a7c2b1f04d8f9a3b5c7d9e1f2a4b\"\r\nlast-modified: Fri, 27 Nov 2026 00:00:00 GMT\r\n";

/// A connection, and what was read of it beyond the last request.
pub(super) struct Connection {
    stream: TcpStream,
    uploads: Arc<Uploads>,
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not yet used.
    unread: (usize, usize),
}

impl Connection {
    pub(super) fn new(stream: TcpStream, uploads: Arc<Uploads>) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, uploads, buffer: vec![0; BUFFER], unread: (0, 0) })
    }

    /// Until the client goes.
    pub(super) fn serve(mut self) -> Result<()> {
        while let Some(request) = self.request()? {
            if request.expects {
                self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            self.drain(request.length)?;
            self.answer(&request)?;
        }
        Ok(())
    }

    fn request(&mut self) -> Result<Option<Request>> {
        // What is left moves to the front, so that a head always has room.
        let (start, end) = self.unread;
        self.buffer.copy_within(start..end, 0);
        self.unread = (0, end - start);
        loop {
            let read = self.buffer.get(..self.unread.1).unwrap_or_default();
            if let Some(length) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                let request = Request::parse(read.get(..length).unwrap_or_default())?;
                self.unread.0 = length + 4;
                return Ok(Some(request));
            }
            let room = self.buffer.get_mut(self.unread.1..).unwrap_or_default();
            if room.is_empty() {
                return Err(bad("a head that is too long"));
            }
            match self.stream.read(room) {
                Ok(0) => return Ok(None),
                Ok(more) => self.unread.1 += more,
                // A client that ends, ends.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a body and keeps nothing of it.
    fn drain(&mut self, length: u64) -> Result<()> {
        let (start, end) = self.unread;
        let there = (end - start).min(usize::try_from(length).unwrap_or(usize::MAX));
        self.unread.0 += there;
        let mut left = length - there as u64;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            match self.stream.read(self.buffer.get_mut(..most).unwrap_or_default())? {
                0 => return Err(bad("a body that ends too early")),
                read => left -= read as u64,
            }
            self.unread = (0, 0);
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Result<()> {
        let came = request.decoded.unwrap_or(request.length);
        let upload = request.parameter("uploadId");
        match (request.method.as_str(), upload) {
            ("POST", None) => {
                let id = self.uploads.start();
                self.xml(&format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
            }
            ("PUT", Some(id)) => {
                self.uploads.add(id, came);
                self.empty("200 OK", ETAG)
            }
            ("POST", Some(id)) => match self.uploads.end(id) {
                Some(bytes) if Some(bytes) == request.size() => self.xml(
                    "<CompleteMultipartUploadResult><ETag>\"e6d0a7c2b1f04d8f9a3b5c7d9e1f2a4b-2\"</ETag></CompleteMultipartUploadResult>",
                ),
                _ => self.empty("400 Bad Request", ""),
            },
            ("PUT", None) if request.size().is_none_or(|size| size == came) => self.empty("200 OK", ETAG),
            ("DELETE", _) => self.empty("204 No Content", ""),
            ("GET" | "HEAD", None) => self.object(request),
            _ => self.empty("400 Bad Request", ""),
        }
    }

    fn object(&mut self, request: &Request) -> Result<()> {
        let Some(size) = request.size() else { return self.empty("404 Not Found", "") };
        let range = request.range(size)?;
        let (start, end) = range.unwrap_or((0, size));
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        let told =
            range.map(|_| format!("content-range: bytes {start}-{}/{size}\r\n", end.saturating_sub(1)));
        let told = told.unwrap_or_default();
        let mut left = end.saturating_sub(start);
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {left}\r\n{told}{ETAG}\r\n");
        if request.method == "HEAD" {
            return self.stream.write_all(head.as_bytes());
        }
        // A small object goes in one write, head and all.
        let first = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(ZEROS.get(..first).unwrap_or_default());
        self.stream.write_all(&bytes)?;
        left -= first as u64;
        while left > 0 {
            let next = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            self.stream.write_all(ZEROS.get(..next).unwrap_or_default())?;
            left -= next as u64;
        }
        Ok(())
    }

    fn xml(&mut self, text: &str) -> Result<()> {
        let length = text.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{text}"
        );
        self.stream.write_all(head.as_bytes())
    }

    fn empty(&mut self, status: &str, headers: &str) -> Result<()> {
        self.stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n").as_bytes())
    }
}
