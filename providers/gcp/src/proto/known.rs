//! Of `google/protobuf`: `timestamp.proto`, `duration.proto`, `any.proto`, `field_mask.proto`, `empty.proto`.

use std::time;

use bytes::Bytes;

/// `google.protobuf.Timestamp`: a moment.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[cfg(feature = "queue")]
impl Timestamp {
    /// The moment; `None` for one that this machine cannot tell.
    pub(crate) fn time(self) -> Option<time::SystemTime> {
        let nanos = time::Duration::new(0, u32::try_from(self.nanos).ok()?);
        let seconds = time::Duration::from_secs(self.seconds.unsigned_abs());
        let epoch = time::UNIX_EPOCH;
        let whole = if self.seconds < 0 { epoch.checked_sub(seconds) } else { epoch.checked_add(seconds) };
        whole?.checked_add(nanos)
    }
}

/// `google.protobuf.Duration`: a span of time.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Duration {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

impl Duration {
    /// The span; `None` for one that leads back.
    pub(crate) fn span(self) -> Option<time::Duration> {
        let seconds = time::Duration::from_secs(u64::try_from(self.seconds).ok()?);
        seconds.checked_add(time::Duration::new(0, u32::try_from(self.nanos).ok()?))
    }
}

/// `google.protobuf.Any`: a message of some type.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// `google.protobuf.FieldMask`: some fields of a message.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct FieldMask {
    #[prost(string, repeated, tag = "1")]
    pub(crate) paths: Vec<String>,
}

/// `google.protobuf.Empty`, and any answer of which nothing is read.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_leads_back_is_none() {
        let span = |seconds, nanos| Duration { seconds, nanos }.span();
        assert_eq!(span(1, 500_000_000), Some(time::Duration::from_millis(1_500)));
        assert_eq!((span(-1, 0), span(0, -1)), (None, None));
        assert_eq!(span(i64::MAX, i32::MAX).map(|span| span.as_secs()), Some(i64::MAX as u64 + 2));
    }

    #[cfg(feature = "queue")]
    #[test]
    fn a_moment_before_1970_is_one_and_what_this_machine_cannot_tell_is_none() {
        let at = |seconds, nanos| Timestamp { seconds, nanos }.time();
        assert_eq!(at(1, 5), Some(time::UNIX_EPOCH + time::Duration::new(1, 5)));
        assert_eq!(at(-1, 5), Some(time::UNIX_EPOCH - time::Duration::new(0, 999_999_995)));
        assert_eq!((at(0, -1), at(i64::MAX, i32::MAX)), (None, None));
    }
}
