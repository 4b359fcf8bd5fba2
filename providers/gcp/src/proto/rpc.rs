//! Of `google/rpc`: `status.proto`, `error_details.proto`.

use super::known::{Any, Duration};

/// `google.rpc.Status`: what became of a part of a call, or why it failed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.rpc.RetryInfo`: when to come again.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<Duration>,
}

/// `google.rpc.ErrorInfo`: of acknowledgements, what became of which id.
#[cfg(feature = "queue")]
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorInfo {
    #[prost(message, repeated, tag = "3")]
    pub(crate) metadata: Vec<Told>,
}

/// An entry of [`ErrorInfo`]'s map.
#[cfg(feature = "queue")]
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Told {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}
