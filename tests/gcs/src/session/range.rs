//! What a request to a session says of its bytes' place.

use crate::error::{Failure, Result};
use crate::exchange::Request;

/// The header Content-Range of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The place of the body's first byte; `None` where there is no body: a question.
    pub(super) first: Option<u64>,
    /// The object's size, where it is known.
    pub(super) total: Option<u64>,
    /// No header at all: the body is the whole object.
    pub(super) open_ended: bool,
}

impl ContentRange {
    pub(super) fn of(request: &Request) -> Result<Self> {
        let Some(text) = request.header("content-range") else {
            return Ok(Self { first: Some(0), total: None, open_ended: true });
        };
        let wrong = || Failure::invalid(format!("Failed to parse Content-Range header: {text}"));
        let (place, total) =
            text.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let number = |digits: &str| match digits.bytes().all(|b| b.is_ascii_digit()) {
            true => digits.parse::<u64>().map_err(|_| wrong()),
            false => Err(wrong()),
        };
        let total = if total == "*" { None } else { Some(number(total)?) };
        if place == "*" {
            if !request.body.is_empty() {
                return Err(Failure::invalid("A status query has no body."));
            }
            return Ok(Self { first: None, total, open_ended: false });
        }
        let (first, last) = place.split_once('-').ok_or_else(wrong)?;
        let (first, last) = (number(first)?, number(last)?);
        let length = last.checked_sub(first).and_then(|length| length.checked_add(1)).ok_or_else(wrong)?;
        if total.is_some_and(|total| last >= total) {
            return Err(wrong());
        }
        // A connection that breaks brings fewer.
        if request.whole && length != request.body.len() as u64 {
            return Err(Failure::invalid("The body is not as long as its Content-Range says."));
        }
        Ok(Self { first: Some(first), total, open_ended: false })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(text: &str, body: usize) -> Result<ContentRange> {
        let request = http::Request::put("/x").header("content-range", text).body(()).unwrap();
        ContentRange::of(&Request::new(request.into_parts().0, Bytes::from(vec![0; body]), true)?)
    }

    #[test]
    fn every_form_is_read() {
        let some = |first, total| ContentRange { first, total, open_ended: false };
        assert_eq!(read("bytes 0-9/10", 10).unwrap(), some(Some(0), Some(10)));
        assert_eq!(read("bytes 5-9/*", 5).unwrap(), some(Some(5), None));
        assert_eq!(read("bytes */*", 0).unwrap(), some(None, None));
        assert_eq!(read("bytes */0", 0).unwrap(), some(None, Some(0)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let huge = format!("bytes 0-{}/*", u64::MAX);
        let wrong =
            ["", "bytes", "bytes 0-9", "bytes 9-0/10", "bytes 0-9/9", "bytes +0-9/10", "items 0-9/10"];
        for text in wrong.into_iter().chain(["bytes */*", "bytes 0-8/*", &huge]) {
            assert_eq!(read(text, 10).unwrap_err().status, 400, "{text}");
        }
    }
}
