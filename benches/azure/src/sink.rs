//! A server in the place of Blob Storage that does as little as can be: what comes is counted and thrown away, what goes is letters. So that
//! in a transfer over this machine's own network the client's speed shows, and not the emulator's.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use skyport_measure::Outcome;

use head::Head;

mod head;

/// So much is read and written at once.
const CHUNK: usize = 256 << 10;

/// Where it listens; it lives as long as the process.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    blobs: Arc<Blobs>,
}

/// The sizes of blobs, and of blocks that were not committed yet.
#[derive(Debug, Default)]
struct Blobs(Mutex<HashMap<String, Blob>>);

#[derive(Debug, Default)]
struct Blob {
    size: u64,
    blocks: HashMap<String, u64>,
}

impl Sink {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the system has no port to give.
    pub fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, blobs) = (listener.local_addr()?, Arc::new(Blobs::default()));
        let serving = Arc::clone(&blobs);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let blobs = Arc::clone(&serving);
                // A connection that ends ends its thread.
                thread::spawn(move || drop(serve(&stream, &blobs)));
            }
        });
        Ok(Self { address, blobs })
    }

    /// As Azure's portal would show it.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let Self { address, .. } = self;
        format!(
            "DefaultEndpointsProtocol=http;AccountName=sink;AccountKey=c2luaw==;BlobEndpoint=http://{address}/sink"
        )
    }

    /// How large a blob is that was put, or made to be read.
    #[must_use]
    pub fn size(&self, container: &str, blob: &str) -> Option<u64> {
        self.blobs.with(|blobs| blobs.get(&format!("/sink/{container}/{blob}")).map(|blob| blob.size))
    }

    /// Makes a blob to be read.
    pub fn make(&self, container: &str, blob: &str, size: u64) {
        let made = Blob { size, ..Blob::default() };
        self.blobs.with(|blobs| drop(blobs.insert(format!("/sink/{container}/{blob}"), made)));
    }
}

impl Blobs {
    fn with<T>(&self, run: impl FnOnce(&mut HashMap<String, Blob>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The requests of one connection, one after the other.
fn serve(stream: &TcpStream, blobs: &Blobs) -> Outcome {
    stream.set_nodelay(true)?;
    let (mut reader, mut buffer) = (BufReader::with_capacity(CHUNK, stream), vec![b'x'; CHUNK]);
    while let Some(head) = Head::read(&mut reader)? {
        match (head.method.as_str(), head.parameter("comp")) {
            ("PUT", Some("blocklist")) => {
                let mut list = String::new();
                (&mut reader).take(head.length).read_to_string(&mut list)?;
                blobs.with(|blobs| commit(blobs.entry(head.path.clone()).or_default(), &list));
                written(stream)?;
            }
            ("PUT", comp) => {
                discard(&mut reader, head.length, &mut buffer)?;
                blobs.with(|blobs| {
                    let blob = blobs.entry(head.path.clone()).or_default();
                    match (comp, head.parameter("blockid")) {
                        (Some("block"), Some(id)) => drop(blob.blocks.insert(id.to_owned(), head.length)),
                        _ => blob.size = head.length,
                    }
                });
                written(stream)?;
            }
            _ => {
                let size = blobs.with(|blobs| blobs.get(&head.path).map(|blob| blob.size));
                give(stream, &head, size)?;
            }
        }
    }
    Ok(())
}

/// The size of a blob is that of the blocks on the list: each stands in an element of its own.
fn commit(blob: &mut Blob, list: &str) {
    let ids = list.split("</").filter_map(|piece| piece.rsplit_once('>').map(|(_, id)| id));
    blob.size = ids.filter_map(|id| blob.blocks.get(id)).sum();
    blob.blocks.clear();
}

/// Reads a body, and keeps nothing of it.
fn discard(reader: &mut impl Read, mut length: u64, buffer: &mut [u8]) -> Outcome {
    while length > 0 {
        let most = usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
        let (Some(room), true) = (buffer.get_mut(..most), most > 0) else { return Err("no room".into()) };
        match reader.read(room)? {
            0 => return Err("the body broke off".into()),
            read => length -= read as u64,
        }
    }
    // It is what is given to those who read.
    buffer.fill(b'x');
    Ok(())
}

const TAGS: &str = "ETag: \"0x8D\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nx-ms-request-id: 1\r\n\
                    x-ms-version: 2020-10-02\r\n";

fn written(mut stream: &TcpStream) -> Outcome {
    let answer = format!("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n{TAGS}\r\n");
    Ok(stream.write_all(answer.as_bytes())?)
}

/// Answers HEAD and GET.
fn give(mut stream: &TcpStream, head: &Head, size: Option<u64>) -> Outcome {
    let Some(size) = size else {
        let code = "x-ms-error-code: BlobNotFound";
        let answer = format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{code}\r\n{TAGS}\r\n");
        return Ok(stream.write_all(answer.as_bytes())?);
    };
    let (start, end) =
        head.range.map_or((0, size), |(start, last)| (start, size.min(last.saturating_add(1))));
    let length = end.saturating_sub(start);
    let (status, range) = match head.range {
        Some(_) => ("206 Partial Content", format!("Content-Range: bytes {start}-{}/{size}\r\n", end - 1)),
        None => ("200 OK", String::new()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n\
         x-ms-blob-type: BlockBlob\r\n{range}{TAGS}\r\n"
    );
    stream.write_all(answer.as_bytes())?;
    if head.method == "HEAD" {
        return Ok(());
    }
    let (letters, mut left) = ([b'x'; CHUNK], length);
    while left > 0 {
        let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        stream.write_all(letters.get(..most).unwrap_or_default())?;
        left -= most as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(stream: &mut TcpStream, request: &str) -> String {
        stream.write_all(request.as_bytes()).unwrap();
        let mut buffer = [0; 4_096];
        let read = stream.read(&mut buffer).unwrap();
        String::from_utf8(buffer[..read].to_vec()).unwrap()
    }

    #[test]
    fn blocks_are_a_blob_once_their_list_is_there() {
        let sink = Sink::start().unwrap();
        let mut stream = TcpStream::connect(sink.address).unwrap();
        for (id, body) in [("YQ%3D%3D", "four"), ("Yg==", "seven..")] {
            let length = body.len();
            let put = format!(
                "PUT /sink/c/b?comp=block&blockid={id} HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            assert!(ask(&mut stream, &put).starts_with("HTTP/1.1 201"));
        }
        assert_eq!(sink.size("c", "b"), Some(0));
        let list = "<BlockList><Uncommitted>YQ==</Uncommitted><Latest>Yg==</Latest></BlockList>";
        let length = list.len();
        let commit =
            format!("PUT /sink/c/b?comp=blocklist HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{list}");
        assert!(ask(&mut stream, &commit).starts_with("HTTP/1.1 201"));
        assert_eq!(sink.size("c", "b"), Some(11));
        let part = ask(&mut stream, "GET /sink/c/b HTTP/1.1\r\nx-ms-range: bytes=2-4\r\n\r\n");
        assert!(part.contains("bytes 2-4/11") && part.contains("Content-Length: 3\r\n"), "{part}");
        let missing = ask(&mut stream, "HEAD /sink/c/other HTTP/1.1\r\n\r\n");
        assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    }
}
