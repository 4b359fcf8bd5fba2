//! Of `google/firestore/v1`: `query.proto`, and its call in `firestore.proto`.

use bytes::Bytes;

use super::firestore::{Document, Value};

pub(crate) const RUN_QUERY: &str = "/google.firestore.v1.Firestore/RunQuery";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RunQueryRequest {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) structured_query: Option<StructuredQuery>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RunQueryResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) document: Option<Document>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StructuredQuery {
    #[prost(message, optional, tag = "1")]
    pub(crate) select: Option<Projection>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) from: Vec<CollectionSelector>,
    #[prost(message, optional, tag = "3")]
    pub(crate) r#where: Option<Filter>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) order_by: Vec<Order>,
    #[prost(message, optional, tag = "7")]
    pub(crate) start_at: Option<Cursor>,
    #[prost(message, optional, tag = "8")]
    pub(crate) end_at: Option<Cursor>,
    /// A `google.protobuf.Int32Value`.
    #[prost(message, optional, tag = "5")]
    pub(crate) limit: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Projection {
    #[prost(message, repeated, tag = "2")]
    pub(crate) fields: Vec<FieldReference>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct FieldReference {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) field_path: Bytes,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct CollectionSelector {
    #[prost(string, tag = "2")]
    pub(crate) collection_id: String,
    #[prost(bool, tag = "3")]
    pub(crate) all_descendants: bool,
}

/// Of the kinds of filters, the one that is used.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Filter {
    #[prost(message, optional, tag = "2")]
    pub(crate) field_filter: Option<FieldFilter>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FieldFilter {
    #[prost(message, optional, tag = "1")]
    pub(crate) field: Option<FieldReference>,
    #[prost(enumeration = "Operator", tag = "2")]
    pub(crate) op: i32,
    #[prost(message, optional, tag = "3")]
    pub(crate) value: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Operator {
    Unspecified = 0,
    LessThanOrEqual = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    #[prost(message, optional, tag = "1")]
    pub(crate) field: Option<FieldReference>,
    #[prost(enumeration = "Direction", tag = "2")]
    pub(crate) direction: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Direction {
    Unspecified = 0,
    Ascending = 1,
    Descending = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Cursor {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<Value>,
    #[prost(bool, tag = "2")]
    pub(crate) before: bool,
}
