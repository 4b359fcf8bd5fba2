//! A server that takes what Cloud Storage takes and keeps nothing: so that a transfer is as fast as its client.
//!
//! It speaks as much of Google's protocols as the contenders use: sessions of the JSON API, multipart uploads of the XML API, downloads of
//! both with ranges. Each connection has a thread; bytes are read into one buffer, and sent out of one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use skyport_measure::Outcome;

use request::Request;

mod answer;
mod request;

/// What every object has; its pieces are sent one after the other.
static BYTES: [u8; 1 << 20] = [7; 1 << 20];

/// A sink that runs until the process ends.
#[derive(Clone, Debug)]
pub struct Sink {
    url: String,
    taken: Arc<AtomicU64>,
}

/// What connections share.
struct Site {
    url: String,
    /// How large every object is.
    size: u64,
    taken: Arc<AtomicU64>,
}

impl Sink {
    /// Starts one on a free port, all of whose objects have this size.
    ///
    /// # Errors
    /// Where there is no port.
    pub fn start(size: u64) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let taken = Arc::new(AtomicU64::new(0));
        let site = Arc::new(Site { url: url.clone(), size, taken: Arc::clone(&taken) });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                // A client that goes away ends its connection, and is told of nothing.
                thread::spawn(move || drop(site.serve(stream)));
            }
        });
        Ok(Self { url, taken })
    }

    /// `http://127.0.0.1:40123`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes of bodies it has read since this was last asked.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.swap(0, Ordering::Relaxed)
    }
}

impl Site {
    fn serve(&self, stream: TcpStream) -> Outcome {
        stream.set_nodelay(true)?;
        let (mut input, mut output) = (BufReader::new(stream.try_clone()?), stream);
        let mut buffer = vec![0; BYTES.len()];
        while let Some(request) = Request::read(&mut input)? {
            let body = if request.chunked {
                self.take_chunks(&mut input, &mut buffer)?
            } else {
                self.take(&mut input, &mut buffer, request.length)?
            };
            self.answer(&request, &body, &mut output)?;
        }
        Ok(())
    }

    /// Reads bytes away; the first of them, as far as they fit.
    fn take(&self, input: &mut impl Read, buffer: &mut [u8], length: u64) -> Outcome<Vec<u8>> {
        let mut left = length;
        let mut first = Vec::new();
        while left > 0 {
            let most = usize::try_from(left)?.min(buffer.len());
            let read = input.read(&mut buffer[..most])?;
            if read == 0 {
                return Err("a body broke off".into());
            }
            if first.is_empty() {
                first.extend_from_slice(&buffer[..read.min(4 << 10)]);
            }
            left -= read as u64;
        }
        self.taken.fetch_add(length, Ordering::Relaxed);
        Ok(first)
    }

    fn take_chunks(&self, input: &mut impl BufRead, buffer: &mut [u8]) -> Outcome<Vec<u8>> {
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16)?;
            self.take(input, buffer, length)?;
            input.read_line(&mut line)?;
            if length == 0 {
                return Ok(Vec::new());
            }
        }
    }

    /// Sends a part of an object.
    fn send(&self, output: &mut impl Write, mut left: u64) -> Outcome {
        while left > 0 {
            let most = usize::try_from(left)?.min(BYTES.len());
            output.write_all(&BYTES[..most])?;
            left -= most as u64;
        }
        Ok(())
    }
}
