//! How values become bytes and come back: [`Json`] unless another codec is named.
//!
//! Two traits rather than one, with the bounds on methods: a queue that is only sent to needs no `Deserialize`, and a
//! handle is `Send` and `Sync` whatever its values are.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// A codec that can write values of type `T`.
pub trait Encode<T: ?Sized>: 'static {
    /// The media type of what it writes.
    const CONTENT_TYPE: &'static str;

    /// The value as bytes.
    ///
    /// # Errors
    /// `InvalidArgument` where the value has no such form: a map with keys that are no strings, in JSON.
    fn encode(value: &T) -> Result<Bytes>;
}

/// A codec that can read values of type `T`.
pub trait Decode<T>: 'static {
    /// The value in these bytes.
    ///
    /// # Errors
    /// `Malformed` where they hold something else.
    fn decode(bytes: &Bytes) -> Result<T>;
}

/// Values as JSON, by serde. The codec of all handles unless another is named.
///
/// ```
/// use skyport_core::codec::{Decode, Encode, Json};
///
/// let bytes = Json::encode(&vec![1, 2])?;
/// assert_eq!(&bytes[..], b"[1,2]");
/// let back: Vec<u32> = Json::decode(&bytes)?;
/// assert_eq!(back, [1, 2]);
/// # Ok::<(), skyport_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl<T: Serialize + ?Sized> Encode<T> for Json {
    const CONTENT_TYPE: &'static str = "application/json";

    fn encode(value: &T) -> Result<Bytes> {
        serde_json::to_vec(value).map(Bytes::from).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "the value cannot be written as JSON").with_source(error)
        })
    }
}

impl<T: DeserializeOwned> Decode<T> for Json {
    fn decode(bytes: &Bytes) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| {
            // The position is of help, the text is not: it can quote the data.
            let message =
                format!("not the expected JSON, at line {} column {}", error.line(), error.column());
            Error::new(ErrorKind::Malformed, message).with_source(error)
        })
    }
}

/// Bytes and text as they are: for [`Bytes`], `Vec<u8>` and `String`; `[u8]` and `str` can be written, too.
///
/// ```
/// use bytes::Bytes;
/// use skyport_core::codec::{Decode, Encode, Raw};
///
/// assert_eq!(&Raw::encode("as it is")?[..], b"as it is");
/// let text: String = Raw::decode(&Bytes::from_static(b"text"))?;
/// assert_eq!(text, "text");
/// # Ok::<(), skyport_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw;

const OCTETS: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

impl Encode<Bytes> for Raw {
    const CONTENT_TYPE: &'static str = OCTETS;

    fn encode(value: &Bytes) -> Result<Bytes> {
        Ok(value.clone())
    }
}

impl Encode<Vec<u8>> for Raw {
    const CONTENT_TYPE: &'static str = OCTETS;

    fn encode(value: &Vec<u8>) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Encode<[u8]> for Raw {
    const CONTENT_TYPE: &'static str = OCTETS;

    fn encode(value: &[u8]) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Encode<String> for Raw {
    const CONTENT_TYPE: &'static str = TEXT;

    fn encode(value: &String) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }
}

impl Encode<str> for Raw {
    const CONTENT_TYPE: &'static str = TEXT;

    fn encode(value: &str) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }
}

impl Decode<Bytes> for Raw {
    fn decode(bytes: &Bytes) -> Result<Bytes> {
        Ok(bytes.clone())
    }
}

impl Decode<Vec<u8>> for Raw {
    fn decode(bytes: &Bytes) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

impl Decode<String> for Raw {
    fn decode(bytes: &Bytes) -> Result<String> {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|error| Error::new(ErrorKind::Malformed, "the text is not UTF-8").with_source(error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn json_that_is_something_else_is_malformed_and_not_quoted() {
        let secret = Bytes::from_static(b"{\"password\":\"hunter2\"}");
        let error = <Json as Decode<Vec<u32>>>::decode(&secret).expect_err("no list");
        assert_eq!(error.kind(), ErrorKind::Malformed);
        // Nor where the causes are told, too, of which there is one.
        let number = Bytes::from_static(b"\"hunter2\"");
        let quoting = <Json as Decode<u32>>::decode(&number).expect_err("no number");
        let cause = std::error::Error::source(&quoting).map(ToString::to_string);
        assert!(cause.is_some_and(|cause| cause.contains("hunter2")), "else this tests nothing");
        for error in [&error, &quoting] {
            assert!(!format!("{error} {error:?} {error:#?}").contains("hunter2"), "{error:#?}");
        }
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_value_without_a_form_in_json_is_refused() {
        let keyed_by_pair: BTreeMap<(u8, u8), u8> = [((1, 2), 3)].into();
        let error = Json::encode(&keyed_by_pair).expect_err("no string keys");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn raw_keeps_every_byte_and_refuses_text_that_is_none() {
        let all: Vec<u8> = (0..=255).collect();
        let bytes = Raw::encode(&all).expect("encodes");
        assert_eq!(<Raw as Decode<Vec<u8>>>::decode(&bytes).expect("decodes"), all);
        let error = <Raw as Decode<String>>::decode(&bytes).expect_err("not UTF-8");
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
}
