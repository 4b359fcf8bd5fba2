//! What Pub/Sub calls a delivery.

use bytes::Bytes;

/// The id of a delivery. A clone is no copy: it may be a part of the answer that it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AckId(Bytes);

impl AckId {
    /// As it came; `None` for what is no text.
    pub(super) fn of(came: Bytes) -> Option<Self> {
        std::str::from_utf8(&came).is_ok().then_some(Self(came))
    }

    pub(super) fn as_str(&self) -> &str {
        // It was looked at when it came.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// As it is sent.
    pub(super) fn sent(&self) -> Bytes {
        self.0.clone()
    }

    /// A copy that does not keep the whole answer.
    pub(super) fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl From<String> for AckId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}
