//! Firestore as a script: the provider in front of it, and documents as it has them.

use std::collections::HashMap;
use std::sync::Arc;

use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Looked;
use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsResponse, CommitRequest, CommitResponse, Document, Value, WriteResult,
};
use gcloud_sdk::prost_types::Timestamp;
use skyport_core::kv::port::{Key, KeyValueStore};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, TableSettings};
use skyport_gcp::{Gcp, GcpConfig};

use crate::grpc::{Call, Reply, Stub, stream};

pub(crate) const DATABASE: &str = "projects/p/databases/(default)";

/// The provider in front of a stub.
pub(crate) fn provider(stub: &Stub) -> Gcp {
    at(stub.endpoint())
}

/// The provider of an endpoint.
pub(crate) fn at(endpoint: String) -> Gcp {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.firestore_endpoint = Some(endpoint);
    Gcp::with(config)
}

/// A table behind a stub, as the provider opens it.
pub(crate) fn table(stub: &Stub) -> Arc<dyn KeyValueStore> {
    let url = "firestore://things".parse().expect("a URL");
    provider(stub).table(&url, &TableSettings::default()).expect("opens")
}

/// The same behind core's retries.
pub(crate) fn retried(stub: &Stub) -> Arc<dyn KeyValueStore> {
    Retry::default().table(table(stub))
}

pub(crate) fn key(sort: &str) -> Key {
    Key::new("p", sort)
}

pub(crate) fn marker() -> String {
    format!("{DATABASE}/documents/things/skyport")
}

/// The name of an item of the partition `p`.
pub(crate) fn name(sort: &str) -> String {
    format!("{DATABASE}/documents/things/=p/things_items/={sort}")
}

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 5_000 }
}

/// An item as Firestore has it.
pub(crate) fn document(sort: &str, value: &str, write: &str, written: i64) -> Document {
    let field = |value| Value { value_type: Some(value) };
    let fields = HashMap::from([
        ("k".to_owned(), field(ValueType::StringValue(sort.to_owned()))),
        ("v".to_owned(), field(ValueType::BytesValue(value.into()))),
        ("w".to_owned(), field(ValueType::StringValue(write.to_owned()))),
    ]);
    Document { name: name(sort), fields, create_time: Some(time(1)), update_time: Some(time(written)) }
}

/// That an item is there.
pub(crate) fn found(document: Document) -> BatchGetDocumentsResponse {
    BatchGetDocumentsResponse {
        result: Some(Looked::Found(document)),
        ..BatchGetDocumentsResponse::default()
    }
}

/// That a document is not there.
pub(crate) fn missing(name: String) -> BatchGetDocumentsResponse {
    BatchGetDocumentsResponse { result: Some(Looked::Missing(name)), ..BatchGetDocumentsResponse::default() }
}

/// That the table is there, and this of its items.
pub(crate) fn there(items: impl IntoIterator<Item = BatchGetDocumentsResponse>) -> Reply {
    let marker = Document { name: marker(), update_time: Some(time(1)), ..Document::default() };
    stream(items.into_iter().chain([found(marker)]))
}

/// That so many writes were applied.
pub(crate) fn committed(seconds: i64, writes: usize) -> CommitResponse {
    let result = WriteResult { update_time: Some(time(seconds)), transform_results: Vec::new() };
    CommitResponse { write_results: vec![result; writes], commit_time: Some(time(seconds)) }
}

/// What a write of a commit put into its document's field.
pub(crate) fn written(call: &Call, write: usize, field: &str) -> Option<ValueType> {
    match call.message::<CommitRequest>().writes.swap_remove(write).operation {
        Some(Operation::Update(mut document)) => document.fields.remove(field)?.value_type,
        _ => None,
    }
}

/// The attempt that a commit's first write is of.
pub(crate) fn attempt(call: &Call) -> String {
    match written(call, 0, "w") {
        Some(ValueType::StringValue(attempt)) => attempt,
        other => panic!("no version was written, but {other:?}"),
    }
}

/// An item that expired long ago.
pub(crate) fn expired(sort: &str, written: i64) -> Document {
    let mut document = document(sort, "old", &"0".repeat(40), written);
    document.fields.entry("exp".to_owned()).or_default().value_type =
        Some(ValueType::TimestampValue(time(10)));
    document
}

/// What a commit expects of its first document: its time, that it is not there, or nothing.
pub(crate) fn expected(call: &Call) -> Option<ConditionType> {
    call.message::<CommitRequest>().writes.swap_remove(0).current_document?.condition_type
}

/// A time as a field has it.
pub(crate) fn timestamp(at: std::time::SystemTime) -> Value {
    Value { value_type: Some(ValueType::TimestampValue(at.into())) }
}
