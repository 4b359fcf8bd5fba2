//! A collection of Firestore.

use std::collections::HashMap;

use cold_axum::Outcome;
use gcloud_sdk::GoogleAuthMiddleware;
use gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{CommitRequest, Document, Value, Write};

pub(crate) struct Firestore {
    client: FirestoreClient<GoogleAuthMiddleware>,
    database: String,
    collection: &'static str,
}

impl Firestore {
    pub(crate) fn new(channel: GoogleAuthMiddleware, database: String, collection: &'static str) -> Self {
        Self { client: FirestoreClient::new(channel), database, collection }
    }

    pub(crate) async fn put(&self, id: &str, value: Vec<u8>) -> Outcome {
        let value = Value { value_type: Some(ValueType::BytesValue(value)) };
        let document = Document {
            name: format!("{}/documents/{}/{id}", self.database, self.collection),
            fields: HashMap::from([("v".to_owned(), value)]),
            ..Document::default()
        };
        let write = Write { operation: Some(Operation::Update(document)), ..Write::default() };
        let request = CommitRequest {
            database: self.database.clone(),
            writes: vec![write],
            ..CommitRequest::default()
        };
        let answer = self.client.clone().commit(request).await?.into_inner();
        answer.commit_time.map(drop).ok_or_else(|| "Firestore told no time".into())
    }
}
