//! A transaction on the wire: a request of requests, and an answer of answers, as multipart of multipart.
//!
//! Azure answers 202 whatever becomes of it. What it did is told by one answer to each operation; what it refused, by a single one
//! whose message begins with the operation's place.

use std::io::Write as _;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use skyport_core::{Error, Result, Token};

use super::client::{Answer, DATA_VERSION, Failure, JSON, refusal, unreadable};
use super::operation::{Form, IfMatch, Operation, Partition};
use super::stamp::Etag;

/// What an operation has around its entity, or less.
const AROUND: usize = 512;

/// The content type and the body of a transaction.
pub(super) fn write(partition: Partition<'_>, operations: &[Operation]) -> Result<(HeaderValue, Bytes)> {
    let (batch, changes) = (Token::new(), Token::new());
    let length: usize = operations.iter().map(|operation| AROUND + operation.length()).sum();
    let mut body = Vec::with_capacity(length);
    write_all(partition, operations, (batch, changes), &mut body)
        .map_err(|error| Error::internal("a transaction is not written").with_source(error))?;
    let content_type = HeaderValue::try_from(format!("multipart/mixed; boundary=batch_{batch}"))
        .map_err(|error| Error::internal("a boundary is no header").with_source(error))?;
    Ok((content_type, body.into()))
}

fn write_all(
    partition: Partition<'_>,
    operations: &[Operation],
    (batch, changes): (Token, Token),
    body: &mut Vec<u8>,
) -> std::io::Result<()> {
    // What is the same of each is written once.
    let part = format!(
        "--changeset_{changes}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    );
    let headers = format!(
        " HTTP/1.1\r\nAccept: {JSON}\r\nDataServiceVersion: {DATA_VERSION}\r\nPrefer: return-no-content\r\n"
    );
    write!(body, "--batch_{batch}\r\nContent-Type: multipart/mixed; boundary=changeset_{changes}\r\n\r\n")?;
    let mut url = String::new();
    for operation in operations {
        let Form { method, if_match, body: entity } = operation.form();
        url.clear();
        partition.client.direct().write_plain_url(&operation.path(partition), &mut url);
        for text in [&*part, method.as_str(), " ", &url, &headers] {
            body.extend_from_slice(text.as_bytes());
        }
        match if_match {
            IfMatch::Unsaid => {}
            IfMatch::Any => body.extend_from_slice(b"If-Match: *\r\n"),
            IfMatch::This(etag) => write!(body, "If-Match: {}\r\n", etag.header())?,
        }
        if entity.is_some() {
            body.extend_from_slice(b"Content-Type: application/json\r\n");
        }
        body.extend_from_slice(b"\r\n");
        operation.write_body(partition, body)?;
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--changeset_{changes}--\r\n--batch_{batch}--\r\n")
}

/// The etag that each of so many operations gave, where it gave one.
///
/// # Errors
/// What Azure refused it all with.
pub(super) fn read(answer: &Answer, operations: usize) -> Result<Vec<Option<Etag>>, Failure> {
    let boundary = answer.header("content-type").and_then(boundary);
    let inner = boundary.and_then(|boundary| answers(&answer.body, &boundary, operations));
    let inner = inner.ok_or_else(unreadable)?;
    if let Some(refused) = inner.iter().find(|one| !one.status.is_success()) {
        return Err(Failure::Refused(refusal(refused.status, &answer.headers, refused.body)));
    }
    if inner.len() != operations {
        return Err(unreadable().into());
    }
    Ok(inner.iter().map(|one| one.etag.and_then(Etag::read)).collect())
}

/// The answer to one operation.
#[derive(Debug)]
struct One<'a> {
    status: StatusCode,
    etag: Option<&'a str>,
    body: &'a [u8],
}

/// The answers in a body; `None` where it is not made of them.
fn answers<'a>(body: &'a [u8], outer: &str, most: usize) -> Option<Vec<One<'a>>> {
    let changes = parts(body, outer, 1)?.into_iter().next()?;
    let (headers, content) = split_head(changes)?;
    let inner = boundary(header(headers, "content-type")?)?;
    parts(content, &inner, most)?.into_iter().map(one).collect()
}

fn one(part: &[u8]) -> Option<One<'_>> {
    let (_, http) = split_head(part)?;
    let (head, body) = split_head(http)?;
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut words = line.split_ascii_whitespace();
    if !words.next()?.starts_with("HTTP/") {
        return None;
    }
    let status = StatusCode::from_bytes(words.next()?.as_bytes()).ok()?;
    Some(One { status, etag: header(headers, "etag"), body })
}

/// What stands between the lines of a boundary, up to so many; `None` where the last line is missing, or there are more.
fn parts<'a>(body: &'a [u8], boundary: &str, most: usize) -> Option<Vec<&'a [u8]>> {
    let (delimiter, end) = (format!("--{boundary}"), format!("--{boundary}--"));
    let (mut found, mut begun, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let is_end = text == end.as_bytes();
        if is_end || text == delimiter.as_bytes() {
            if let Some(begun) = begun {
                if found.len() == most {
                    return None;
                }
                found.push(&body[begun..at]);
            }
            if is_end {
                return Some(found);
            }
            begun = Some(at + line.len());
        }
        at += line.len();
    }
    None
}

/// The lines before the first empty one, and what comes after it.
fn split_head(part: &[u8]) -> Option<(&str, &[u8])> {
    let mut at = 0;
    for line in part.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii_end().is_empty() {
            let head = std::str::from_utf8(&part[..at]).ok()?;
            return Some((head, &part[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn header<'h>(headers: &'h str, name: &str) -> Option<&'h str> {
    headers.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The boundary that a content type names.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let named = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=200).contains(&named.len()).then(|| named.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Azure answers two operations.
    const DONE: &str = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_2\r\n\r\n\
        --changesetresponse_2\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        HTTP/1.1 204 No Content\r\nX-Content-Type-Options: nosniff\r\nETag: W/\"datetime'1'\"\r\n\r\n\r\n\
        --changesetresponse_2\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        HTTP/1.1 204 No Content\r\nDataServiceVersion: 1.0;\r\n\r\n\r\n\
        --changesetresponse_2--\r\n--batchresponse_1--\r\n";

    /// As it refuses the second.
    const REFUSED: &str = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_2\r\n\r\n\
        --changesetresponse_2\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n\
        {\"odata.error\":{\"code\":\"EntityAlreadyExists\",\"message\":{\"lang\":\"en-US\",\"value\":\"1:The specified entity already exists.\"}}}\r\n\
        --changesetresponse_2--\r\n--batchresponse_1--\r\n";

    #[test]
    fn each_operation_has_its_answer() {
        let read = answers(DONE.as_bytes(), "batchresponse_1", 2).expect("answers");
        let told: Vec<_> = read.iter().map(|one| (one.status.as_u16(), one.etag)).collect();
        assert_eq!(told, [(204, Some("W/\"datetime'1'\"")), (204, None)]);
    }

    #[test]
    fn a_refusal_tells_which_operation_it_is_about() {
        let read = answers(REFUSED.as_bytes(), "batchresponse_1", 2).expect("an answer");
        let refused = refusal(read[0].status, &http::HeaderMap::new(), read[0].body);
        assert_eq!((refused.code.as_str(), refused.index), ("EntityAlreadyExists", Some(1)));
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_no_answer() {
        assert!(answers(DONE.as_bytes(), "batchresponse_1", 1).is_none(), "one operation has one answer");
        for end in 0..DONE.len() - "--batchresponse_1--\r\n".len() {
            assert!(answers(&DONE.as_bytes()[..end], "batchresponse_1", 2).is_none(), "{end}");
        }
        assert_eq!(boundary("multipart/mixed; boundary=\"a b\"").as_deref(), Some("a b"));
        for none in ["", "text/plain; boundary=x", "multipart/mixed", "multipart/mixed; boundary="] {
            assert_eq!(boundary(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_arrives_harms_nothing(at in 0..DONE.len(), with in any::<Vec<u8>>()) {
            let mut body = DONE.as_bytes().to_vec();
            body.splice(at..(at + with.len()).min(DONE.len()), with);
            let _ = answers(&body, "batchresponse_1", 2);
        }
    }
}
