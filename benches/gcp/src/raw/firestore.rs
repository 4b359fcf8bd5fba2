//! Firestore by hand: the generated client, with the two headers by which every client of Google's names the database.

use std::collections::HashMap;

use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Looked;
use gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use gcloud_sdk::google::firestore::v1::structured_query::{
    CollectionSelector, Direction, FieldReference, Order,
};
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, BatchWriteRequest, CommitRequest, Document, GetDocumentRequest, Precondition,
    RunQueryRequest, StructuredQuery, Value, Write, WriteResult,
};
use gcloud_sdk::prost_types::Timestamp;
use skyport_measure::Outcome;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use super::grpc::channel;
use crate::place::{PROJECT, Place};

/// A collection.
#[derive(Clone, Debug)]
pub struct Firestore {
    database: String,
    parent: String,
    collection: String,
    prefix: MetadataValue<Ascii>,
    routing: MetadataValue<Ascii>,
    client: FirestoreClient<Channel>,
}

impl Firestore {
    /// The collection of this name. No I/O.
    ///
    /// # Errors
    /// Where the endpoint is none.
    pub fn new(place: &Place, collection: &str) -> Outcome<Self> {
        let database = format!("projects/{PROJECT}/databases/(default)");
        Ok(Self {
            parent: format!("{database}/documents/{collection}/raw"),
            collection: "items".to_owned(),
            prefix: database.parse()?,
            routing: format!("project_id={PROJECT}&database_id=%28default%29").parse()?,
            client: FirestoreClient::new(channel(&place.firestore)?),
            database,
        })
    }

    /// Another collection in the same table's place, on the same channel.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        Self { parent: format!("{}-{name}", self.parent), ..self.clone() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("google-cloud-resource-prefix", self.prefix.clone());
        request.metadata_mut().insert("x-goog-request-params", self.routing.clone());
        request.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer owner"));
        request
    }

    fn name(&self, id: &str) -> String {
        format!("{}/{}/{id}", self.parent, self.collection)
    }

    fn document(&self, id: &str, value: Vec<u8>) -> Document {
        let field = |value_type| Value { value_type: Some(value_type) };
        let fields = HashMap::from([
            ("k".to_owned(), field(ValueType::StringValue(id.to_owned()))),
            ("v".to_owned(), field(ValueType::BytesValue(value))),
        ]);
        Document { name: self.name(id), fields, create_time: None, update_time: None }
    }

    /// Reads a document by the call that reads one; its value.
    ///
    /// # Errors
    /// What the service says.
    pub async fn get(&self, id: &str) -> Outcome<Vec<u8>> {
        let request = GetDocumentRequest { name: self.name(id), ..GetDocumentRequest::default() };
        let document = self.client.clone().get_document(self.request(request)).await?.into_inner();
        value(document)
    }

    /// Reads documents by the call that reads many; their values, in the order in which they come.
    ///
    /// # Errors
    /// What the service says.
    pub async fn get_many(&self, ids: &[&str]) -> Outcome<Vec<Vec<u8>>> {
        let request = BatchGetDocumentsRequest {
            database: self.database.clone(),
            documents: ids.iter().map(|id| self.name(id)).collect(),
            ..BatchGetDocumentsRequest::default()
        };
        let answer = self.client.clone().batch_get_documents(self.request(request)).await?;
        let (mut stream, mut values) = (answer.into_inner(), Vec::with_capacity(ids.len()));
        while let Some(message) = stream.message().await? {
            if let Some(Looked::Found(document)) = message.result {
                values.push(value(document)?);
            }
        }
        Ok(values)
    }

    /// Writes a document, where it is as it was written then; when that was.
    ///
    /// # Errors
    /// What the service says.
    pub async fn put(&self, id: &str, value: Vec<u8>, as_of: Option<Timestamp>) -> Outcome<Timestamp> {
        let condition = |time| Precondition { condition_type: Some(ConditionType::UpdateTime(time)) };
        let write = Write {
            operation: Some(Operation::Update(self.document(id, value))),
            current_document: as_of.map(condition),
            ..Write::default()
        };
        let results = self.commit(write).await?;
        Ok(results.first().and_then(|result| result.update_time).ok_or("no time")?)
    }

    /// Deletes a document.
    ///
    /// # Errors
    /// What the service says.
    pub async fn delete(&self, id: &str) -> Outcome {
        let write = Write { operation: Some(Operation::Delete(self.name(id))), ..Write::default() };
        self.commit(write).await.map(drop)
    }

    async fn commit(&self, write: Write) -> Outcome<Vec<WriteResult>> {
        let request = CommitRequest {
            database: self.database.clone(),
            writes: vec![write],
            ..CommitRequest::default()
        };
        Ok(self.client.clone().commit(self.request(request)).await?.into_inner().write_results)
    }

    /// Writes documents, each on its own; how many were.
    ///
    /// # Errors
    /// What the service says.
    pub async fn put_many(&self, items: Vec<(&str, Vec<u8>)>) -> Outcome<usize> {
        let write = |(id, value): (&str, Vec<u8>)| Write {
            operation: Some(Operation::Update(self.document(id, value))),
            ..Write::default()
        };
        let request = BatchWriteRequest {
            database: self.database.clone(),
            writes: items.into_iter().map(write).collect(),
            ..BatchWriteRequest::default()
        };
        let answer = self.client.clone().batch_write(self.request(request)).await?.into_inner();
        Ok(answer.status.iter().filter(|status| status.code == 0).count())
    }

    /// The values of the first documents in the order of their keys.
    ///
    /// # Errors
    /// What the service says.
    pub async fn query(&self, most: i32) -> Outcome<Vec<Vec<u8>>> {
        let from = CollectionSelector { collection_id: self.collection.clone(), all_descendants: false };
        let by = Order {
            field: Some(FieldReference { field_path: "k".to_owned() }),
            direction: Direction::Ascending.into(),
        };
        let query =
            StructuredQuery { from: vec![from], order_by: vec![by], limit: Some(most), ..Default::default() };
        let request = RunQueryRequest {
            parent: self.parent.clone(),
            query_type: Some(QueryType::StructuredQuery(query)),
            ..RunQueryRequest::default()
        };
        let mut stream = self.client.clone().run_query(self.request(request)).await?.into_inner();
        let mut values = Vec::new();
        while let Some(message) = stream.message().await? {
            if let Some(document) = message.document {
                values.push(value(document)?);
            }
        }
        Ok(values)
    }
}

fn value(mut document: Document) -> Outcome<Vec<u8>> {
    match document.fields.remove("v").and_then(|value| value.value_type) {
        Some(ValueType::BytesValue(bytes)) => Ok(bytes),
        _ => Err("a document has no value".into()),
    }
}
