//! Of `google/firestore/v1`: `firestore.proto`, `write.proto`, `document.proto`, `common.proto`. Queries are in [`query`](super::query).

use bytes::Bytes;

use super::known::Timestamp;
use super::rpc::Status;

pub(crate) const BATCH_GET_DOCUMENTS: &str = "/google.firestore.v1.Firestore/BatchGetDocuments";
pub(crate) const COMMIT: &str = "/google.firestore.v1.Firestore/Commit";
pub(crate) const ROLLBACK: &str = "/google.firestore.v1.Firestore/Rollback";
pub(crate) const BATCH_WRITE: &str = "/google.firestore.v1.Firestore/BatchWrite";
pub(crate) const LIST_DOCUMENTS: &str = "/google.firestore.v1.Firestore/ListDocuments";

/// A document, as it is read.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Document {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) fields: Vec<Field>,
    #[prost(message, optional, tag = "4")]
    pub(crate) update_time: Option<Timestamp>,
}

/// `Document`, as it is written.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Written {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) fields: Vec<Field>,
}

/// An entry of the map of fields.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Field {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Value>,
}

/// A field's value; `None` for one of the types that no item has.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(oneof = "ValueType", tags = "2, 10, 5, 17, 18")]
    pub(crate) value_type: Option<ValueType>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum ValueType {
    #[prost(int64, tag = "2")]
    Integer(i64),
    #[prost(message, tag = "10")]
    Timestamp(Timestamp),
    #[prost(bytes = "bytes", tag = "5")]
    Reference(Bytes),
    #[prost(bytes = "bytes", tag = "17")]
    Text(Bytes),
    #[prost(bytes = "bytes", tag = "18")]
    Bytes(Bytes),
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct DocumentMask {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) field_paths: Vec<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchGetDocumentsRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) database: Bytes,
    #[prost(string, repeated, tag = "2")]
    pub(crate) documents: Vec<String>,
    #[prost(message, optional, tag = "3")]
    pub(crate) mask: Option<DocumentMask>,
    /// Of the ways to say in which transaction, the one that is used.
    #[prost(message, optional, tag = "5")]
    pub(crate) new_transaction: Option<TransactionOptions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchGetDocumentsResponse {
    #[prost(oneof = "Looked", tags = "1, 2")]
    pub(crate) result: Option<Looked>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) transaction: Bytes,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Looked {
    #[prost(message, tag = "1")]
    Found(Document),
    #[prost(bytes = "bytes", tag = "2")]
    Missing(Bytes),
}

/// Of its modes, the one that is used.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TransactionOptions {
    #[prost(message, optional, tag = "3")]
    pub(crate) read_write: Option<ReadWrite>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ReadWrite {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) retry_transaction: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommitRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) database: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) writes: Vec<Write>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) transaction: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommitResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) write_results: Vec<WriteResult>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct RollbackRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) database: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) transaction: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchWriteRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) database: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) writes: Vec<Write>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BatchWriteResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) write_results: Vec<WriteResult>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) status: Vec<Status>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Write {
    #[prost(oneof = "Operation", tags = "1, 2")]
    pub(crate) operation: Option<Operation>,
    #[prost(message, optional, tag = "3")]
    pub(crate) update_mask: Option<DocumentMask>,
    #[prost(message, optional, tag = "4")]
    pub(crate) current_document: Option<Precondition>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Operation {
    #[prost(message, tag = "1")]
    Update(Written),
    #[prost(string, tag = "2")]
    Delete(String),
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Precondition {
    #[prost(oneof = "ConditionType", tags = "1, 2")]
    pub(crate) condition_type: Option<ConditionType>,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Oneof)]
pub(crate) enum ConditionType {
    #[prost(bool, tag = "1")]
    Exists(bool),
    #[prost(message, tag = "2")]
    UpdateTime(Timestamp),
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct WriteResult {
    #[prost(message, optional, tag = "1")]
    pub(crate) update_time: Option<Timestamp>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ListDocumentsRequest {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(string, tag = "2")]
    pub(crate) collection_id: String,
    #[prost(int32, tag = "3")]
    pub(crate) page_size: i32,
    #[prost(string, tag = "4")]
    pub(crate) page_token: String,
    #[prost(message, optional, tag = "7")]
    pub(crate) mask: Option<DocumentMask>,
    #[prost(bool, tag = "12")]
    pub(crate) show_missing: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ListDocumentsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) documents: Vec<Listed>,
    #[prost(string, tag = "2")]
    pub(crate) next_page_token: String,
}

/// `Document`, of which only the name is read.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Listed {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}
