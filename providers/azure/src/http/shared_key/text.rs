//! The text of a request that is signed.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use azure_core::http::Url;
#[cfg(any(feature = "queue", feature = "kv"))]
use http::{HeaderMap, Method};

use super::DATE;

/// The headers whose values stand in a line each, in this order, before the length of the body and after it. The date is in a header of Azure's own.
const BEFORE_LENGTH: [&str; 2] = ["content-encoding", "content-language"];
const AFTER_LENGTH: [&str; 8] = [
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Room for what most requests come to.
const ROOM: usize = 512;

/// A request of which a text is made.
pub(super) trait Asked {
    fn method(&self) -> &str;
    fn url(&self) -> &Url;
    /// How many bytes its body has; `None` where that is not known.
    fn length(&self) -> Option<u64>;
    /// A header's value; empty where it is missing.
    fn header(&self, name: &'static str) -> &str;
    /// All headers.
    fn headers(&self) -> impl Iterator<Item = (&str, &str)>;
}

/// One of HTTP's own types.
#[cfg(any(feature = "queue", feature = "kv"))]
pub(super) struct Parts<'r> {
    pub(super) method: &'r Method,
    pub(super) url: &'r Url,
    pub(super) headers: &'r HeaderMap,
    pub(super) length: usize,
}

#[cfg(any(feature = "queue", feature = "kv"))]
impl Asked for Parts<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn url(&self) -> &Url {
        self.url
    }

    fn length(&self) -> Option<u64> {
        u64::try_from(self.length).ok()
    }

    fn header(&self, name: &'static str) -> &str {
        crate::http::direct::text(self.headers, name).unwrap_or_default()
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
    }
}

/// What is signed of a request to Blob or Queue Storage.
pub(super) fn of_request(request: &impl Asked, account: &str) -> String {
    let mut text = String::with_capacity(ROOM);
    text.extend([request.method(), "\n"]);
    for name in BEFORE_LENGTH {
        text.extend([request.header(name), "\n"]);
    }
    // Nothing where there is nothing: Azure says so since 2015.
    if let Some(length) = request.length().filter(|&length| length > 0) {
        // Writing into a string does not fail.
        let _ = write!(text, "{length}");
    }
    text.push('\n');
    for name in AFTER_LENGTH {
        text.extend([request.header(name), "\n"]);
    }
    let mut own: Vec<(&str, &str)> =
        request.headers().filter(|(name, _)| name.starts_with("x-ms-")).collect();
    own.sort_unstable_by(|(a, _), (b, _)| in_azures_order(a, b));
    for (name, value) in own {
        text.extend([name, ":", value.trim(), "\n"]);
    }
    resource(request.url(), account, &mut text);
    text
}

/// What is signed of a request to Table Storage.
pub(super) fn of_table_request(request: &impl Asked, account: &str) -> String {
    let url = request.url();
    let mut text = String::with_capacity(ROOM);
    text.extend([request.header(DATE), "\n/", account, url.path()]);
    if let Some((_, comp)) = url.query_pairs().find(|(name, _)| name == "comp") {
        text.extend(["?comp=", &*comp]);
    }
    text
}

/// The resource: the account, the path as it is sent, and the query, decoded and in order. On an emulator the path begins with the account, too.
fn resource(url: &Url, account: &str, text: &mut String) {
    text.extend(["/", account, url.path()]);
    let mut query: Vec<(Cow<'_, str>, Cow<'_, str>)> = url.query_pairs().collect();
    for (name, _) in &mut query {
        if name.bytes().any(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9')) {
            *name = name.to_lowercase().into();
        }
    }
    query.sort_unstable();
    let mut last = None;
    for (name, value) in &query {
        // Values of one name stand in one line.
        if last == Some(name) {
            text.extend([",", &**value]);
        } else {
            text.extend(["\n", &**name, ":", &**value]);
        }
        last = Some(name);
    }
}

/// Azure puts the names of headers in the order of .NET's culture `en-US`, as its SDK for JavaScript documents: `_` before digits, digits before letters,
/// and hyphens do not count, unless they are all that differs: then the name is first that has its hyphen later.
fn in_azures_order(a: &str, b: &str) -> Ordering {
    fn weights(name: &str) -> impl Iterator<Item = u8> {
        let counted = name.bytes().filter(|byte| *byte != b'-');
        counted.map(|byte| if byte == b'_' { 0 } else { byte })
    }
    let by_hyphens = || {
        let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b);
        match at.map(|at| (a.as_bytes().get(at) == Some(&b'-'), b.as_bytes().get(at) == Some(&b'-'))) {
            Some((a, b)) => a.cmp(&b),
            None => a.len().cmp(&b.len()),
        }
    };
    weights(a).cmp(weights(b)).then_with(by_hyphens)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Request<'r> {
        method: &'static str,
        url: Url,
        headers: &'r [(&'static str, &'r str)],
        body: &'static str,
    }

    impl Asked for Request<'_> {
        fn method(&self) -> &str {
            self.method
        }

        fn url(&self) -> &Url {
            &self.url
        }

        fn length(&self) -> Option<u64> {
            Some(self.body.len() as u64)
        }

        fn header(&self, name: &'static str) -> &str {
            self.headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        }

        fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
            self.headers.iter().copied()
        }
    }

    fn request<'r>(
        method: &'static str,
        url: &str,
        headers: &'r [(&'static str, &'r str)],
        body: &'static str,
    ) -> Request<'r> {
        Request { method, url: Url::parse(url).expect("a URL"), headers, body }
    }

    // From Microsoft's page "Authorize with Shared Key".
    #[test]
    fn the_text_is_that_of_azures_documentation() {
        let headers = [("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"), ("x-ms-version", "2015-02-21")];
        let url =
            "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
        let expected = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
                        /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20";
        assert_eq!(of_request(&request("GET", url, &headers, ""), "myaccount"), expected);
        let url = "http://testaccount1.table.core.windows.net/Tables";
        let dated = [("x-ms-date", "Sun, 20 Sep 2009 20:36:40 GMT")];
        let expected = "Sun, 20 Sep 2009 20:36:40 GMT\n/testaccount1/Tables";
        assert_eq!(of_table_request(&request("GET", url, &dated, ""), "testaccount1"), expected);
    }

    #[test]
    fn the_resource_is_that_of_azures_documentation() {
        for (url, expected) in [
            (
                "http://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=list&include=snapshots&include=metadata&\
                 include=uncommittedblobs",
                "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,uncommittedblobs\nrestype:container",
            ),
            (
                "https://myaccount-secondary.blob.core.windows.net/mycontainer/myblob",
                "/myaccount/mycontainer/myblob",
            ),
            ("http://127.0.0.1:10000/myaccount/c/a%20b%2F%C3%BC", "/myaccount/myaccount/c/a%20b%2F%C3%BC"),
            ("https://h/c?Prefix=a%2Fb%20%C3%BC+c&marker=", "/myaccount/c\nmarker:\nprefix:a/b \u{fc} c"),
            ("https://h/", "/myaccount/"),
        ] {
            let mut text = String::new();
            resource(&Url::parse(url).expect("a URL"), "myaccount", &mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn lines_are_of_headers_and_of_the_bodys_length_where_there_is_one() {
        let headers = [
            ("content-type", "text/plain"),
            ("if-none-match", "*"),
            ("range", "bytes=0-1"),
            ("x-ms-meta-name", " gr\u{fc}n \t"),
            ("x-other", "unsigned"),
        ];
        let text = of_request(&request("PUT", "https://a.example/c/k", &headers, "four"), "a");
        let expected = "PUT\n\n\n4\n\ntext/plain\n\n\n\n*\n\nbytes=0-1\nx-ms-meta-name:gr\u{fc}n\n/a/c/k";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_batch_of_entities_is_signed_with_its_component_alone() {
        let headers = [("x-ms-date", "D")];
        let url = "https://a.example/T()?$filter=x&comp=acl&timeout=1";
        assert_eq!(of_table_request(&request("GET", url, &headers, ""), "a"), "D\n/a/T()?comp=acl");
    }

    #[test]
    fn headers_are_in_the_order_of_azures_culture() {
        let mut names = [
            "x-ms-version",
            "x-ms-meta-ab",
            "x-ms-meta-a1",
            "x-ms-meta-a-b",
            "x-ms-meta-a_b",
            "x-ms-meta-a",
            "x-ms-meta-abc",
            "x-ms-meta-skyport_w",
            "x-ms-date",
            "x-ms-blob-type",
            "x-ms-blob-content-type",
        ];
        names.sort_unstable_by(|a, b| in_azures_order(a, b));
        let expected = [
            "x-ms-blob-content-type",
            "x-ms-blob-type",
            "x-ms-date",
            "x-ms-meta-a",
            "x-ms-meta-a_b",
            "x-ms-meta-a1",
            "x-ms-meta-ab",
            "x-ms-meta-a-b",
            "x-ms-meta-abc",
            "x-ms-meta-skyport_w",
            "x-ms-version",
        ];
        assert_eq!(names, expected);
    }
}
