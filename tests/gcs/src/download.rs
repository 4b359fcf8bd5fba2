//! An object's bytes: whole, a range of them, or decoded.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::StatusCode;
use http::header::{self, ACCEPT_ENCODING, CONTENT_RANGE};

use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::object::Object;

/// The most bytes that are decoded.
const MOST_DECODED: u64 = 256 << 20;

/// The reply with the bytes that were asked for. The `etag` is another one in each API.
pub(crate) fn media(request: &Request, object: &Object, etag: &str) -> Result<Reply> {
    let properties = &object.properties;
    let is_gzip = properties.content_encoding.as_deref() == Some("gzip");
    let as_stored = !is_gzip
        || accepts_gzip(request)
        || properties.cache_control.as_deref().is_some_and(|text| text.contains("no-transform"));
    let mut reply = head(object, etag);
    if !as_stored {
        // Decoded on the way, which knows neither length nor ranges.
        let decoded = decode(&object.content)?;
        return Ok(reply.header(header::WARNING, "214 UploadServer gunzipped").body(decoded));
    }
    if let Some(encoding) = &properties.content_encoding {
        reply = reply.header(header::CONTENT_ENCODING, encoding);
    }
    reply = reply.header(header::ACCEPT_RANGES, "bytes");
    let size = object.size();
    match request.header("range").and_then(|text| range(&text, size)) {
        None => Ok(reply.body(object.content.clone())),
        Some(None) => {
            let message = "The requested range cannot be satisfied.";
            let failure = Failure::new(416, "requestedRangeNotSatisfiable", "InvalidRange", message);
            Err(failure.with(CONTENT_RANGE, &format!("bytes */{size}")))
        }
        Some(Some((start, end))) => {
            reply.status = StatusCode::PARTIAL_CONTENT;
            let part = object.content.slice(start as usize..=end as usize);
            Ok(reply.header(CONTENT_RANGE, &format!("bytes {start}-{end}/{size}")).body(part))
        }
    }
}

/// What is told beside the bytes. A user's own metadata is told by the XML API alone, as Google's own clients know.
fn head(object: &Object, etag: &str) -> Reply {
    let properties = &object.properties;
    let content_type = properties.content_type.as_deref().unwrap_or("application/octet-stream");
    let mut reply = Reply::new(StatusCode::OK)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::ETAG, etag)
        .header(header::LAST_MODIFIED, &httpdate::fmt_http_date(object.updated))
        .goog("generation", &object.generation.to_string())
        .goog("metageneration", &object.metageneration.to_string())
        .goog("stored-content-length", &object.size().to_string())
        .goog("stored-content-encoding", properties.content_encoding.as_deref().unwrap_or("identity"))
        .goog("storage-class", "STANDARD")
        .goog("hash", &format!("crc32c={}", object.checksums.crc32c))
        .goog("hash", &format!("md5={}", object.checksums.md5));
    let cache = properties.cache_control.as_deref();
    reply = reply.header(header::CACHE_CONTROL, cache.unwrap_or("private, max-age=0"));
    if let Some(disposition) = &properties.content_disposition {
        reply = reply.header(header::CONTENT_DISPOSITION, disposition);
    }
    if let Some(language) = &properties.content_language {
        reply = reply.header(header::CONTENT_LANGUAGE, language);
    }
    reply
}

fn accepts_gzip(request: &Request) -> bool {
    let accepted = request.header(ACCEPT_ENCODING.as_str()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn decode(content: &[u8]) -> Result<Bytes> {
    let mut decoded = Vec::new();
    let read = MultiGzDecoder::new(content).take(MOST_DECODED + 1).read_to_end(&mut decoded);
    if read.is_err() || decoded.len() as u64 > MOST_DECODED {
        let message = "The object says that it is gzip, and cannot be decoded.";
        return Err(Failure::new(503, "backendError", "ServiceUnavailable", message));
    }
    Ok(decoded.into())
}

/// The first and last byte; `Some(None)` where there are none such, `None` where the header asks for nothing that is understood.
fn range(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Some(digits.parse::<u64>().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    let (start, end) = match (number(first.trim())?, number(last.trim())?) {
        (None, None) => return None,
        (None, Some(last)) if last == 0 || size == 0 => return Some(None),
        (None, Some(last)) => (size.saturating_sub(last), size - 1),
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), _) if first >= size => return Some(None),
        (Some(first), last) => (first, last.unwrap_or(u64::MAX).min(size - 1)),
    };
    Some(Some((start, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_held_to_the_object() {
        for (text, found) in [
            ("bytes=0-3", Some(Some((0, 3)))),
            ("bytes=2-", Some(Some((2, 9)))),
            ("bytes=2-99", Some(Some((2, 9)))),
            ("bytes=-3", Some(Some((7, 9)))),
            ("bytes=-99", Some(Some((0, 9)))),
            ("bytes=10-", Some(None)),
            ("bytes=10-11", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=99999999999999999999-", Some(None)),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("bytes=a-b", None),
            ("lines=0-1", None),
            ("bytes=-", None),
        ] {
            assert_eq!(range(text, 10), found, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Some(None));
        assert_eq!(range("bytes=-1", 0), Some(None));
    }
}
