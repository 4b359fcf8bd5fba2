//! Bytes on their way: whole, or as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt;

use crate::{Error, ErrorKind, Result};

/// A stream of chunks that may fail in mid-way.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send + 'static>>;

/// The bytes of an object or of an HTTP message: here already, or a stream of them.
///
/// A small object stays [`Bytes`] all the way: no stream is boxed for it. Polls as a `Stream` of chunks and as an
/// `http_body::Body` whichever form it has.
pub struct Body(Form);

enum Form {
    Bytes(Bytes),
    /// The mutex is never locked: it makes the body `Sync`, so that a handler may keep a `&Request` over an await.
    Stream {
        stream: Mutex<ByteStream>,
        remaining: Option<u64>,
    },
}

impl Body {
    /// Nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Form::Bytes(Bytes::new()))
    }

    /// A stream whose errors are any that a source may have: a file, a socket, another bucket.
    pub fn from_stream<S, B, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: Into<Bytes>,
        E: Into<crate::BoxError>,
    {
        let stream = stream.map(|chunk| chunk.map(Into::into).map_err(source_error));
        Self(Form::Stream { stream: Mutex::new(Box::pin(stream)), remaining: None })
    }

    /// Any `http_body::Body` as ours; trailers are dropped.
    pub fn from_http<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<crate::BoxError>,
    {
        let remaining = body.size_hint().exact();
        if remaining == Some(0) {
            return Self::empty();
        }
        let frames = http_body_util::BodyStream::new(body);
        let stream = frames.filter_map(|frame| {
            std::future::ready(match frame {
                Ok(frame) => frame.into_data().ok().map(|mut data| {
                    let length = bytes::Buf::remaining(&data);
                    Ok(bytes::Buf::copy_to_bytes(&mut data, length))
                }),
                Err(error) => Some(Err(source_error(error))),
            })
        });
        Self(Form::Stream { stream: Mutex::new(Box::pin(stream)), remaining })
    }

    /// Says how many bytes the stream will give, so that HTTP can say so. What is in memory already knows.
    #[must_use]
    pub fn with_len(mut self, len: u64) -> Self {
        if let Form::Stream { remaining, .. } = &mut self.0 {
            *remaining = Some(len);
        }
        self
    }

    /// How many bytes there are (still), where that is known before reading.
    #[must_use]
    pub fn known_len(&self) -> Option<u64> {
        match &self.0 {
            Form::Bytes(bytes) => Some(bytes.len() as u64),
            Form::Stream { remaining, .. } => *remaining,
        }
    }

    /// The bytes, where they are in memory already; else the body itself again.
    ///
    /// # Errors
    /// The body itself, where it is a stream.
    pub fn try_into_bytes(self) -> Result<Bytes, Self> {
        match self.0 {
            Form::Bytes(bytes) => Ok(bytes),
            stream @ Form::Stream { .. } => Err(Self(stream)),
        }
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// `TooLarge` once more than `limit` bytes have come; whatever the stream fails with.
    pub async fn collect(self, limit: usize) -> Result<Bytes> {
        let mut stream = match self.0 {
            Form::Bytes(bytes) if bytes.len() <= limit => return Ok(bytes),
            Form::Bytes(_) => return Err(too_large(limit)),
            Form::Stream { stream, .. } => stream.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        let Some(first) = stream.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() > limit {
            return Err(too_large(limit));
        }
        let Some(mut next) = stream.next().await.transpose()? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(first);
        loop {
            if all.len() + next.len() > limit {
                return Err(too_large(limit));
            }
            all.extend_from_slice(&next);
            match stream.next().await.transpose()? {
                Some(chunk) => next = chunk,
                None => return Ok(all.freeze()),
            }
        }
    }
}

/// An error of a body's source as an [`Error`]: itself if it is one, else `Internal` with the source kept.
fn source_error<E: Into<crate::BoxError>>(error: E) -> Error {
    let error = error.into();
    match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => match Error::find(&*other).map(|found| (found.kind(), found.message().to_owned())) {
            Some((kind, message)) => Error::new(kind, message).with_source(other),
            None => Error::internal("the source of the body failed").with_ambiguous(false).with_source(other),
        },
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("more than the {limit} bytes that were allowed; read it as a stream, or raise the limit"),
    )
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Form::Stream { remaining: Some(len), .. } => write!(f, "Body(stream of {len} bytes)"),
            Form::Stream { .. } => f.write_str("Body(stream)"),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Form::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Form::Bytes(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Form::Stream { stream, remaining } => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                let polled = stream.as_mut().poll_next(cx);
                if let (Poll::Ready(Some(Ok(chunk))), Some(left)) = (&polled, remaining.as_mut()) {
                    *left = left.saturating_sub(chunk.len() as u64);
                }
                polled
            }
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        self.poll_next(cx).map_ok(http_body::Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Form::Bytes(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.known_len().map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

macro_rules! body_from {
    ($($from:ty => $convert:expr),* $(,)?) => {$(
        impl From<$from> for Body {
            fn from(value: $from) -> Self {
                Self(Form::Bytes($convert(value)))
            }
        }
    )*};
}

body_from! {
    Bytes => |bytes| bytes,
    Vec<u8> => Bytes::from,
    String => Bytes::from,
    &'static str => |text: &'static str| Bytes::from_static(text.as_bytes()),
    &'static [u8] => Bytes::from_static,
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(Form::Bytes(Bytes::from_static(bytes)))
    }
}

impl From<ByteStream> for Body {
    fn from(stream: ByteStream) -> Self {
        Self(Form::Stream { stream: Mutex::new(stream), remaining: None })
    }
}
