//! The answers of Pub/Sub and Firestore. Their messages are written by hand: they have a field or two each.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt, Full};

use crate::services::Answer;

/// What stands before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The field of `BatchGetDocumentsRequest` that names a document.
const DOCUMENTS: u8 = 2;

/// That a message was taken: `PublishResponse`.
pub(crate) fn published() -> Answer {
    answered([field(1, b"1")])
}

/// That one document was written: `CommitResponse`, with a `WriteResult`.
pub(crate) fn committed() -> Answer {
    answered([[field(1, &field(1, &now())), field(2, &now())].concat()])
}

/// That every document is there, and empty: a `BatchGetDocumentsResponse` each, with a `Document`.
pub(crate) fn found(request: &Bytes) -> Answer {
    let names = fields(request.get(PREFIX..).unwrap_or_default(), DOCUMENTS);
    answered(names.into_iter().map(|name| {
        let document = [field(1, name), field(4, &now())].concat();
        [field(1, &document), field(4, &now())].concat()
    }))
}

/// A `Timestamp`, whose first field is the seconds.
fn now() -> Vec<u8> {
    let mut message = vec![1 << 3];
    varint(&mut message, 1_767_225_600);
    message
}

/// A field of bytes, a text or a message, by its number.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    varint(&mut field, value.len() as u64);
    field.extend_from_slice(value);
    field
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// The values of this number in a message all of whose fields are bytes, texts or messages; those before the first that is none.
fn fields(mut message: &[u8], number: u8) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((key, rest)) = message.split_first().filter(|(key, _)| **key & 7 == 2) {
        let Some((value, rest)) = sized(rest) else { break };
        if key >> 3 == number {
            found.push(value);
        }
        message = rest;
    }
    found
}

/// A value behind its length, and what follows it.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (length, rest) = bytes.split_at_checked(end + 1)?;
    let length = length.iter().rev().fold(0_usize, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
    rest.split_at_checked(length)
}

fn answered(messages: impl IntoIterator<Item = Vec<u8>>) -> Answer {
    let mut body = BytesMut::new();
    for message in messages {
        body.put_u8(0);
        // Every message of this file is short.
        body.put_u32(u32::try_from(message.len()).unwrap_or_default());
        body.extend_from_slice(&message);
    }
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(body.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut answer = Response::new(body.boxed());
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_written() {
        let long = vec![b'x'; 300];
        let message = [field(1, b"database"), field(2, b"one"), field(2, &long), field(3, b"")].concat();
        assert_eq!(fields(&message, 2), [b"one".as_slice(), &long]);
        assert!(fields(&message[..4], 1).is_empty());
    }
}
