//! From the wire to an event.

use http::{HeaderMap, header};
use hyper::body::Incoming;
use skyport_core::Body;
use skyport_core::app::Invocation;
use tokio::time::Instant;

use crate::ServerConfig;
use crate::body::Upload;

/// The longest id of a request that is taken over from its client.
const LONGEST_ID: usize = 128;

/// The request with its body as a stream.
pub(crate) fn request(request: http::Request<Incoming>, config: &ServerConfig) -> http::Request<Body> {
    upload(request, config).map(Body::from_http)
}

/// Takes no request: a little of its body is thrown away, so that the client sees the answer.
pub(crate) fn refuse(request: http::Request<Incoming>, config: &ServerConfig) {
    upload(request, config).into_body().refuse();
}

fn upload(request: http::Request<Incoming>, config: &ServerConfig) -> http::Request<Upload> {
    let awaits = request.headers().contains_key(header::EXPECT);
    let one_of_many = request.version() == http::Version::HTTP_2;
    request.map(|body| Upload::new(body, config.stall_timeout, awaits, one_of_many))
}

/// The call that a request makes.
pub(crate) fn invocation(headers: &HeaderMap, config: &ServerConfig) -> Invocation {
    let mut invocation = Invocation::default();
    if let Some(id) = headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| is_fit(id)) {
        id.clone_into(&mut invocation.id);
    }
    invocation.deadline = config.deadline.and_then(|deadline| Instant::now().checked_add(deadline));
    invocation
}

fn is_fit(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_short_printable_id_is_taken_over() {
        let config = ServerConfig::default();
        let id_of = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", HeaderValue::from_bytes(value).expect("a header"));
            invocation(&headers, &config).id
        };
        assert_eq!(id_of(b"req-7/a"), "req-7/a");
        for unfit in [&b""[..], b"two words", "ü".as_bytes(), &[b'x'; 129]] {
            assert_ne!(id_of(unfit).as_bytes(), unfit);
        }
    }
}
