//! Reading: whole, ranges, conditions; and what is missing.

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, Method, Request};
use futures_util::TryStreamExt;
use skyport_core::blob::http_range::{RangeHeader, content_range};
use skyport_core::blob::port::{ByteRange, GetOptions, GetResult, ObjectMeta};
use skyport_core::{Body, Error, ErrorKind, Result};

use super::meta::{self, malformed};
use super::{Container, NAME, name, refused};
use crate::error;

/// How often the last bytes of a blob are asked for that is replaced all the time.
const LOOKS: u32 = 4;

/// What a read under conditions found.
enum Seen<T> {
    Found(T),
    NotModified,
}

impl Container {
    /// As [`BlobStore::get`](skyport_core::blob::port::BlobStore::get) says.
    pub(super) async fn read(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        match (options.range, RangeHeader::of(options.range)) {
            (_, RangeHeader::Unsayable) => self.read_nothing(key, &options).await,
            // Azure knows no last bytes.
            (ByteRange::Last(_), _) => self.read_last(key, &options).await,
            _ => self.read_range(key, &options).await,
        }
    }

    async fn read_range(&self, key: &str, options: &GetOptions) -> Result<GetResult> {
        match self.download(self.request(key, options)?).await {
            // A range of nothing is told in odd ways.
            Ok(Seen::Found(answer)) if options.range != ByteRange::All && is_empty(&answer) => {
                self.read_nothing(key, options).await
            }
            Ok(Seen::Found(answer)) => found(answer, options.range),
            Ok(Seen::NotModified) => Ok(GetResult::NotModified),
            Err(error) if refused::answer(&error).0 == 416 => self.read_nothing(key, options).await,
            Err(error) => Err(refused::reading(error, key)),
        }
    }

    /// The last bytes: how many the blob has is asked for first, and then for bytes of this content alone.
    async fn read_last(&self, key: &str, options: &GetOptions) -> Result<GetResult> {
        for _ in 0..LOOKS {
            let meta = match self.seen(self.name(), key, options).await? {
                Seen::Found(meta) => meta,
                Seen::NotModified => return Ok(GetResult::NotModified),
            };
            let (start, end) = options.range.resolve(meta.size)?;
            if start == end {
                return Ok(GetResult::Found { meta, range: (start, end), body: Body::empty() });
            }
            let mut this = GetOptions::default();
            this.range = ByteRange::From(start, Some(end));
            this.if_match = Some(meta.etag);
            match self.download(self.request(key, &this)?).await {
                Ok(Seen::Found(answer)) => return found(answer, this.range),
                Ok(Seen::NotModified) => return Err(odd()),
                Err(error) if refused::answer(&error).0 == 412 && options.if_match.is_none() => {}
                Err(error) => return Err(refused::reading(error, key)),
            }
        }
        Err(replaced())
    }

    /// A range that has no bytes, which HTTP cannot say or Azure refuses: the blob's size tells what it is.
    async fn read_nothing(&self, key: &str, options: &GetOptions) -> Result<GetResult> {
        let meta = match self.seen(self.name(), key, options).await? {
            Seen::Found(meta) => meta,
            Seen::NotModified => return Ok(GetResult::NotModified),
        };
        let range = options.range.resolve(meta.size)?;
        if range.0 < range.1 {
            return Err(replaced());
        }
        Ok(GetResult::Found { meta, range, body: Body::empty() })
    }

    fn request(&self, key: &str, options: &GetOptions) -> Result<Request> {
        let mut request = self.call_of(Method::Get, key)?;
        condition(&mut request, options)?;
        if let RangeHeader::Value(range) = RangeHeader::of(options.range) {
            request.insert_header(HeaderName::from_static("range"), range);
        }
        Ok(request)
    }

    /// One GET, whose bytes come as they are: the SDK's own download asks for parts, and holds several in memory.
    async fn download(&self, mut request: Request) -> azure_core::Result<Seen<AsyncRawResponse>> {
        let sender = self.connection.sender();
        let answer = Box::pin(sender.download(&mut request, &[200, 206, 304])).await?;
        Ok(if u16::from(answer.status()) == 304 { Seen::NotModified } else { Seen::Found(answer) })
    }

    /// HEAD of a blob in this or another container.
    pub(super) async fn look_at(&self, container: &str, key: &str) -> Result<ObjectMeta> {
        match self.seen(container, key, &GetOptions::default()).await? {
            Seen::Found(meta) => Ok(meta),
            Seen::NotModified => Err(odd()),
        }
    }

    async fn seen(&self, container: &str, key: &str, options: &GetOptions) -> Result<Seen<ObjectMeta>> {
        let mut request = self.call(Method::Head, name::of_blob(&self.connection, container, key)?);
        condition(&mut request, options)?;
        match Box::pin(self.connection.sender().send(&mut request, &[200])).await {
            Ok(answer) => {
                let headers = answer.headers();
                expect_whole(headers)?;
                Ok(Seen::Found(meta::of_headers(headers, meta::length(headers)?)?))
            }
            Err(error) if refused::answer(&error).0 == 304 => Ok(Seen::NotModified),
            Err(error) => Err(refused::reading(error, key)),
        }
    }
}

/// Puts the conditions of a read on it.
fn condition(request: &mut Request, options: &GetOptions) -> Result<()> {
    let if_match = options.if_match.as_ref().map(refused::quoted).transpose()?;
    // Any content is another one than that which no blob has.
    let if_none_match = options.if_none_match.as_ref().and_then(|etag| refused::quoted(etag).ok());
    refused::insert(request, if_match, if_none_match);
    Ok(())
}

fn is_empty(answer: &AsyncRawResponse) -> bool {
    meta::length(answer.headers()).is_ok_and(|length| length == 0)
}

/// What a download found, where these bytes were asked for.
fn found(answer: AsyncRawResponse, asked: ByteRange) -> Result<GetResult> {
    let (_, headers, body) = answer.deconstruct();
    expect_whole(&headers)?;
    let length = meta::length(&headers)?;
    let (range, size) = match meta::text(&headers, "content-range") {
        Some(text) => content_range(text).ok_or_else(odd)?,
        None => ((0, length), length),
    };
    if range != asked.resolve(size)? || range.1 - range.0 != length {
        return Err(odd());
    }
    let meta = meta::of_headers(&headers, size)?;
    let body = Body::from_stream(body.map_err(error::of_azure)).with_len(length);
    Ok(GetResult::Found { meta, range, body })
}

/// Refuses a blob to which Azure is still copying, or that it left empty when it gave up: it is there, and has not the bytes that its metadata
/// tells of.
fn expect_whole(headers: &Headers) -> Result<()> {
    let conflict = |text: &'static str| Error::new(ErrorKind::Conflict, text).with_provider(NAME);
    match meta::text(headers, "x-ms-copy-status") {
        Some("pending") => Err(conflict("the object is still being copied: read it again in a moment")),
        Some("failed" | "aborted") => {
            let text = "Azure gave up a copy to here and left an empty object: write it again, or delete it";
            Err(conflict(text).with_retryable(false))
        }
        _ => Ok(()),
    }
}

fn odd() -> Error {
    malformed("Azure answered with other bytes than were asked for")
}

fn replaced() -> Error {
    let text = "the object was replaced while it was read: read it again";
    Error::new(ErrorKind::Conflict, text).with_provider(NAME)
}
