//! The head of a request, as far as it is of interest.

use std::io::{Error, ErrorKind, Result};

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// `/bucket/key`
    pub(super) path: String,
    query: String,
    /// How many bytes follow.
    pub(super) length: u64,
    /// How many of them are the object's, where some are framing.
    pub(super) decoded: Option<u64>,
    range: Option<String>,
    /// The client waits to be told to go on.
    pub(super) expects: bool,
}

impl Request {
    /// Of the bytes before the empty line.
    pub(super) fn parse(head: &[u8]) -> Result<Self> {
        let head = std::str::from_utf8(head).map_err(|_| bad("a head that is no text"))?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(bad("no request"));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            length: 0,
            decoded: None,
            range: None,
            expects: false,
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            let number = || value.parse().map_err(|_| bad("a length that is no number"));
            match name.as_str() {
                "content-length" => request.length = number()?,
                "x-amz-decoded-content-length" => request.decoded = Some(number()?),
                "range" => request.range = Some(value.to_owned()),
                "expect" => request.expects = true,
                "transfer-encoding" => return Err(bad("a body of no known length")),
                _ => {}
            }
        }
        Ok(request)
    }

    /// A parameter of the query; empty where it has no value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// How large the object is: the key's last number.
    pub(super) fn size(&self) -> Option<u64> {
        self.path.rsplit_once('-')?.1.parse().ok()
    }

    /// The bytes asked for of so many: from the first to behind the last.
    pub(super) fn range(&self, size: u64) -> Result<Option<(u64, u64)>> {
        let Some(range) = &self.range else { return Ok(None) };
        let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
        let (first, last) = ends.ok_or_else(|| bad("another kind of range"))?;
        let first: u64 = first.parse().map_err(|_| bad("a range from nowhere"))?;
        let last =
            if last.is_empty() { size } else { last.parse().map(|last: u64| last + 1).unwrap_or(size) };
        Ok(Some((first, last.min(size))))
    }
}

pub(super) fn bad(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_a_part_says_all_that_is_asked() {
        let head =
            "PUT /b/k-20?x-id=UploadPart&partNumber=2&uploadId=7 HTTP/1.1\r\nhost: x\r\nContent-Length: 12";
        let request = Request::parse(head.as_bytes()).unwrap();
        assert_eq!((request.method.as_str(), request.length, request.size()), ("PUT", 12, Some(20)));
        assert_eq!((request.parameter("uploadId"), request.parameter("uploads")), (Some("7"), None));
    }

    #[test]
    fn a_range_is_of_what_there_is() {
        let request = |range: &str| {
            Request::parse(format!("GET /b/k-9 HTTP/1.1\r\nRange: {range}").as_bytes()).unwrap()
        };
        assert_eq!(request("bytes=2-4").range(9).unwrap(), Some((2, 5)));
        assert_eq!(request("bytes=2-99").range(9).unwrap(), Some((2, 9)));
        assert_eq!(request("bytes=2-").range(9).unwrap(), Some((2, 9)));
        assert!(request("lines=2-").range(9).is_err());
    }
}
