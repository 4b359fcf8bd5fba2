//! What is answered.

use std::io::Write;

use skyport_measure::Outcome;

use super::Site;
use super::request::Request;

/// Without one, Skyport asks once more for what describes an object.
const TOKEN: &str = "00000000000000000000000000000001";
const WRITTEN: &str = "Wed, 21 Oct 2015 07:28:00 GMT";

impl Site {
    /// Answers a request whose body has been read.
    pub(super) fn answer(&self, request: &Request, body: &[u8], output: &mut impl Write) -> Outcome {
        let json = request.target.starts_with("/storage/") || request.target.starts_with("/upload/");
        match request.method.as_str() {
            "GET" if !json || request.asks_for("alt=media") => self.download(request, output),
            "HEAD" => plain(output, "200 OK", &self.described(self.size), ""),
            "POST" if request.asks_for("uploadType=resumable") => {
                let location = format!("Location: {}/upload/session\r\n", self.url);
                plain(output, "200 OK", &location, "")
            }
            "PUT" if request.target.starts_with("/upload/session") => self.piece(request, output),
            "POST" if request.asks_for("uploads") => {
                let upload = "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>\
                              <UploadId>u</UploadId></InitiateMultipartUploadResult>";
                plain(output, "200 OK", "", upload)
            }
            "POST" if request.asks_for("uploadId=") && !body.is_empty() => {
                let done = "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket>\
                            <Key>k</Key><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
                plain(output, "200 OK", "x-goog-generation: 1\r\n", done)
            }
            "PUT" => plain(output, "200 OK", "ETag: \"1\"\r\nx-goog-generation: 1\r\n", ""),
            "DELETE" => plain(output, "204 No Content", "", ""),
            _ => plain(output, "200 OK", "Content-Type: application/json\r\n", &self.resource(self.size)),
        }
    }

    /// A piece of a session: more is to come unless the range names the end.
    fn piece(&self, request: &Request, output: &mut impl Write) -> Outcome {
        let range = request.content_range.as_deref().unwrap_or("bytes 0-0/1");
        let (span, total) = range.trim_start_matches("bytes ").split_once('/').ok_or("an odd range")?;
        let end = span.split_once('-').map(|(_, last)| last.parse::<u64>()).transpose()?.map(|last| last + 1);
        match (end, total.parse::<u64>()) {
            (Some(end), Ok(total)) if end < total => self.kept(end, output),
            (_, Ok(total)) => {
                plain(output, "200 OK", "Content-Type: application/json\r\n", &self.resource(total))
            }
            (Some(end), Err(_)) if span != "*" => self.kept(end, output),
            _ => plain(output, "308 Resume Incomplete", "", ""),
        }
    }

    fn kept(&self, end: u64, output: &mut impl Write) -> Outcome {
        plain(output, "308 Resume Incomplete", &format!("Range: bytes=0-{}\r\n", end - 1), "")
    }

    fn download(&self, request: &Request, output: &mut impl Write) -> Outcome {
        let span = request.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((from, to)) = span else {
            let described = self.described(self.size);
            write!(output, "HTTP/1.1 200 OK\r\n{described}\r\n")?;
            return self.send(output, self.size);
        };
        let from: u64 = from.parse()?;
        let to = to.parse::<u64>().map_or(self.size, |last| (last + 1).min(self.size));
        let (described, length) = (self.described(to - from), to - from);
        let range = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, self.size);
        write!(output, "HTTP/1.1 206 Partial Content\r\n{described}{range}\r\n")?;
        self.send(output, length)
    }

    fn described(&self, length: u64) -> String {
        format!(
            "Content-Length: {length}\r\nContent-Type: binary/octet-stream\r\nETag: \"1\"\r\nLast-Modified: {WRITTEN}\r\n\
             x-goog-generation: 1\r\nx-goog-metageneration: 1\r\nx-goog-stored-content-length: {}\r\n\
             x-goog-meta-skyport_w: {TOKEN}\r\n",
            self.size
        )
    }

    fn resource(&self, size: u64) -> String {
        format!(
            "{{\"kind\":\"storage#object\",\"name\":\"k\",\"bucket\":\"b\",\"generation\":\"1\",\"metageneration\":\"1\",\
             \"size\":\"{size}\",\"etag\":\"1\",\"timeCreated\":\"2026-11-26T13:03:16.192Z\",\"updated\":\"2026-11-26T13:03:16.192Z\",\
             \"contentType\":\"binary/octet-stream\",\"metadata\":{{\"skyport_w\":\"{TOKEN}\"}}}}"
        )
    }
}

/// An answer with a body that is at hand.
fn plain(output: &mut impl Write, status: &str, headers: &str, body: &str) -> Outcome {
    // One piece, so that it is one packet.
    let length = if headers.contains("Content-Length") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    Ok(output.write_all(format!("HTTP/1.1 {status}\r\n{length}{headers}\r\n{body}").as_bytes())?)
}
