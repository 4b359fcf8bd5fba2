//! Signed URLs of this machine, and the headers of those who use them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderName, HeaderValue};
use skyport_core::Body;
use skyport_core::blob::Bucket;
use skyport_core::blob::http_range::{RangeHeader, content_range};
use skyport_core::blob::port::ByteRange;
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl};
use skyport_memory::Memory;

use crate::{sound, text, worlds};

/// What lies in the bucket.
const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

struct Place {
    bucket: Bucket,
    endpoint: Arc<dyn Endpoint>,
}

async fn place() -> Place {
    let memory = Memory::builder().seed(7).base_url("http://localhost:8080").build();
    let url = ResourceUrl::new("memory", "photos");
    memory.create(&url, &ResourceKind::Bucket).await.expect("created");
    let bucket = Bucket::new(memory.bucket(&url).expect("opens"));
    bucket.put("a", CONTENT).await.expect("written");
    Place { bucket, endpoint: memory.endpoint().expect("has one") }
}

/// Nobody makes a URL that is served without the secret.
pub(super) fn url(input: &[u8]) {
    let Some(request) = text::request(input) else { return };
    worlds::paused(async {
        let place = place().await;
        let response = place.endpoint.serve(request).await;
        let status = response.status().as_u16();
        assert!([403, 405].contains(&status), "{response:?}");
        let body = response.into_body().collect(1 << 16).await.expect("short");
        sound::line(std::str::from_utf8(&body).expect("a text"));
        assert_eq!(place.bucket.get("a").await.expect("untouched").bytes().await.expect("whole"), CONTENT);
    });
}

/// With a good URL, any header of a download gives the bytes that the answer says, or a refusal.
pub(super) fn range(input: &[u8]) {
    let text = text::of(input);
    ranges(&text);
    let mut headers = Vec::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim()))
        else {
            continue;
        };
        headers.push((name, value));
    }
    worlds::paused(async {
        let place = place().await;
        let signed = place.bucket.sign_get("a", Duration::from_secs(60)).await.expect("signs");
        let mut request = http::Request::get(signed.url).body(Body::empty()).expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        let response = place.endpoint.serve(request).await;
        let status = response.status().as_u16();
        let told =
            response.headers().get(CONTENT_RANGE).map(|value| value.to_str().expect("a text").to_owned());
        let body: Bytes = response.into_body().collect(1 << 16).await.expect("short");
        match (status, told) {
            (200, None) => assert_eq!(body, CONTENT),
            (206, Some(told)) => {
                let ((start, end), size) = content_range(&told).expect("a range");
                assert_eq!(size, CONTENT.len() as u64);
                assert_eq!(body, CONTENT[start as usize..end as usize]);
            }
            (304 | 412, None) => assert!(body.is_empty()),
            (416, _) | (400, None) => {}
            (status, told) => panic!("{status} {told:?}"),
        }
    });
}

/// What an answer says of its range is within its size; and a range that can be said is said so that it is read again.
fn ranges(text: &str) {
    if let Some(((start, end), size)) = content_range(text) {
        assert!(start < end && end <= size);
    }
    let numbers: Vec<u64> =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let [start, end, ..] = numbers[..] else { return };
    for range in [ByteRange::From(start, Some(end)), ByteRange::From(start, None), ByteRange::Last(start)] {
        if let RangeHeader::Value(value) = RangeHeader::of(range) {
            HeaderValue::from_str(&value).expect("a header");
        }
        if let Ok((from, to)) = range.resolve(end) {
            assert!(from <= to && to <= end);
        }
    }
}
