//! What a request is: a call of the host, or a client's own request. Nothing that a client can send makes the one of the other; the
//! [crate's documentation](crate) says why.

use http::{HeaderMap, Method, header};
use skyport_core::http::Request;

/// The id of the call. The host puts it on whatever it sends but its question whether the handler is ready.
const INVOCATION: &str = "x-azure-functions-invocationid";

/// The same id, on requests that the host proxies, and on no others. It overwrites what the client sent under that name.
const PROXIED: &str = "x-ms-invocation-id";

/// The longest id of a call.
const LONGEST_ID: usize = 128;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'r> {
    /// The host asks whether the handler is ready, or well.
    Ping,
    /// The host calls the function of this name: with an event, or with a request in the wrapped form.
    Call(&'r str),
    /// A client's request, proxied.
    Proxied,
    /// A client's request, forwarded.
    Forwarded,
    /// A request that did not come through the host: somebody on this machine.
    Direct,
}

/// What the request is.
pub(crate) fn kind(request: &Request) -> Kind<'_> {
    let headers = request.headers();
    if headers.contains_key(PROXIED) {
        return Kind::Proxied;
    }
    if !headers.contains_key(INVOCATION) {
        let asks = request.method() == Method::GET && request.uri() == "/" && is_local(headers);
        return if asks { Kind::Ping } else { Kind::Direct };
    }
    match called(request) {
        Some(function) => Kind::Call(function),
        None => Kind::Forwarded,
    }
}

/// The name in the path of a request that has all that names a call, and is none by the form of its body or its ids: the one of a client that would be
/// the host, or of a host that this program does not know.
pub(crate) fn nearly_called(request: &Request) -> Option<&str> {
    let headers = request.headers();
    let near = headers.contains_key(INVOCATION)
        && !headers.contains_key(PROXIED)
        && request.method() == Method::POST
        && is_local(headers)
        && called(request).is_none();
    request.path().strip_prefix('/').filter(|_| near)
}

/// The function that the host calls, where this can be nothing but a call.
fn called(request: &Request) -> Option<&str> {
    let headers = request.headers();
    let function = request.path().strip_prefix('/')?;
    let is_name = !function.is_empty()
        && function.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    // It adds its id to one that a client had sent, where it forwards.
    let one = headers.get_all(INVOCATION).iter().count() == 1
        && headers.get(INVOCATION).is_some_and(|ids| !ids.as_bytes().contains(&b','))
        && id(headers).is_some();
    let call = request.method() == Method::POST
        && request.uri().query().is_none()
        // The host never forwards a body whose length is not told, and never sends one of its own with its length.
        && !headers.contains_key(header::CONTENT_LENGTH)
        && one
        && is_local(headers);
    (call && is_name).then_some(function)
}

/// Whether the sender called this machine by an address that means it to everybody: a client calls the host by the host's name.
fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// The id of the call that brought the request; the host's own, which stands last where a client had sent one.
pub(crate) fn id(headers: &HeaderMap) -> Option<&str> {
    let ids = headers.get_all(INVOCATION).iter().next_back().or_else(|| headers.get(PROXIED))?;
    let id = ids.to_str().ok()?.rsplit(',').next()?.trim();
    let fits = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: (&str, &str) = (INVOCATION, "6f1f7ae8-1c9b-4a8a-9d4e-1f1b0f9f1d11");
    const HOST: (&str, &str) = ("host", "127.0.0.1:41234");
    const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");
    const AGENT: (&str, &str) = ("user-agent", "Azure-Functions-Host/4.1037.0");

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(skyport_core::Body::empty()).expect("a request").into()
    }

    #[test]
    fn the_hosts_call_is_known() {
        let call = request("POST", "/make-thumbnail_2", &[HOST, ID, CHUNKED, AGENT]);
        assert_eq!(kind(&call), Kind::Call("make-thumbnail_2"));
        assert_eq!(id(call.headers()), Some(ID.1));
    }

    #[test]
    fn a_proxied_request_is_never_a_call_whatever_its_client_sends() {
        // The host has overwritten both.
        for proxied in ["6f1f7ae8", ""] {
            let headers = [HOST, ID, CHUNKED, (PROXIED, proxied), AGENT];
            assert_eq!(kind(&request("POST", "/job", &headers)), Kind::Proxied);
            assert_eq!(kind(&request("GET", "/", &headers)), Kind::Proxied);
        }
    }

    #[test]
    fn a_forwarded_request_is_never_a_call_whatever_its_client_sends() {
        let length = ("content-length", "2");
        for (method, path, headers) in [
            // A body that is forwarded has its length, and a client has called the host by its name.
            ("POST", "/job", vec![HOST, ID, length]),
            ("POST", "/job", vec![HOST, ID, length, CHUNKED]),
            ("POST", "/job", vec![("host", "example.azurewebsites.net"), ID, CHUNKED]),
            ("POST", "/job", vec![("host", "127.0.0.1.example.net"), ID, CHUNKED]),
            ("POST", "/job", vec![HOST, HOST, ID, CHUNKED]),
            ("POST", "/job", vec![ID, CHUNKED]),
            // The client's own id, and the host's.
            ("POST", "/job", vec![HOST, ID, ID, CHUNKED]),
            ("POST", "/job", vec![HOST, (INVOCATION, "mine, theirs"), CHUNKED]),
            ("POST", "/job", vec![HOST, (INVOCATION, ""), CHUNKED]),
            ("GET", "/job", vec![HOST, ID]),
            ("PUT", "/job", vec![HOST, ID, CHUNKED]),
            ("POST", "/", vec![HOST, ID, CHUNKED]),
            ("POST", "/job/", vec![HOST, ID, CHUNKED]),
            ("POST", "/api/job", vec![HOST, ID, CHUNKED]),
            ("POST", "/job?x", vec![HOST, ID, CHUNKED]),
            ("POST", "/j%6fb", vec![HOST, ID, CHUNKED]),
            ("GET", "/", vec![HOST, ID]),
        ] {
            assert_eq!(
                kind(&request(method, path, &headers)),
                Kind::Forwarded,
                "{method} {path} {headers:?}"
            );
        }
    }

    #[test]
    fn what_is_nearly_a_call_is_told_apart() {
        let length = ("content-length", "2");
        for headers in [vec![HOST, ID, length], vec![HOST, ID, ID, CHUNKED]] {
            assert_eq!(nearly_called(&request("POST", "/job", &headers)), Some("job"), "{headers:?}");
        }
        for (method, headers) in [
            ("POST", vec![HOST, ID, CHUNKED]),
            ("POST", vec![HOST, ID, length, (PROXIED, "1")]),
            ("POST", vec![("host", "example.azurewebsites.net"), ID, length]),
            ("POST", vec![HOST, length]),
            ("GET", vec![HOST, ID]),
        ] {
            assert_eq!(nearly_called(&request(method, "/job", &headers)), None, "{method} {headers:?}");
        }
    }

    #[test]
    fn what_has_no_id_is_the_hosts_question_or_somebody_on_this_machine() {
        assert_eq!(kind(&request("GET", "/", &[HOST])), Kind::Ping);
        assert_eq!(kind(&request("GET", "/", &[("host", "localhost")])), Kind::Ping);
        for (method, path) in
            [("POST", "/"), ("GET", "/job"), ("POST", "/job"), ("GET", "/?x"), ("HEAD", "/")]
        {
            assert_eq!(kind(&request(method, path, &[HOST, CHUNKED])), Kind::Direct, "{method} {path}");
        }
        assert_eq!(kind(&request("GET", "/", &[("host", "example.org")])), Kind::Direct);
    }

    #[test]
    fn the_id_is_the_hosts() {
        let of = |headers: &[(&str, &str)]| id(request("GET", "/", headers).headers()).map(str::to_owned);
        assert_eq!(of(&[(INVOCATION, "mine, theirs")]), Some("theirs".to_owned()));
        assert_eq!(of(&[(INVOCATION, "mine"), (INVOCATION, "theirs")]), Some("theirs".to_owned()));
        assert_eq!(of(&[(PROXIED, "theirs")]), Some("theirs".to_owned()));
        assert_eq!(of(&[(INVOCATION, "two words")]), None);
        assert_eq!(of(&[(INVOCATION, &"x".repeat(129))]), None);
        assert_eq!(of(&[]), None);
    }

    proptest! {
        /// As the host forwards: the client's headers, its own id behind the client's, and a length on every body.
        #[test]
        fn no_client_of_a_host_that_forwards_is_taken_for_it(
            path in "/[a-z-]{0,5}(/[a-z]{0,3})?",
            host in "(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]{1,5})?",
            ids in proptest::collection::vec("[ -~]{0,9}", 0..3),
            length in 0_u32..9,
        ) {
            let length = length.to_string();
            let mut headers = vec![("host", &*host), ("content-length", &*length)];
            headers.extend(ids.iter().map(|id| (INVOCATION, &**id)));
            headers.push(ID);
            let request = request("POST", &path, &headers);
            prop_assert_eq!(kind(&request), Kind::Forwarded);
        }
    }
}
