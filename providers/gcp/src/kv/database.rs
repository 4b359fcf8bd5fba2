//! The calls of Firestore that a table makes, in one database.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use gcloud_sdk::google::firestore::v1::batch_get_documents_request::ConsistencySelector;
use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Looked;
use gcloud_sdk::google::firestore::v1::firestore_client::FirestoreClient;
use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, BatchWriteRequest, BatchWriteResponse, CommitRequest, Document, DocumentMask,
    ListDocumentsRequest, ListDocumentsResponse, Precondition, RollbackRequest, RunQueryRequest,
    RunQueryResponse, StructuredQuery, TransactionOptions, Value, Write, WriteResult,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::{Error, ErrorKind, Result};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status, Streaming};

use super::item::WRITE;
use super::place::{Names, Place};
use crate::config::Connection;
use crate::error::of_status;
use crate::grpc::Authorised;
use crate::provision::NAME;

/// How Google's own clients say which database a call is for: without it a call for any but the default one may be sent to
/// the wrong place.
const PREFIX_HEADER: &str = "google-cloud-resource-prefix";
const ROUTING_HEADER: &str = "x-goog-request-params";

/// As whom every client of Google's calls an emulator of Firestore: without it, what needs an administrator is refused there.
const EMULATED: &str = "Bearer owner";

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How many names are in one page of a listing.
const LIST_PAGE: i32 = 300;

/// One database, and the names of one table in it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Connection>,
    names: Arc<Names>,
    prefix: MetadataValue<Ascii>,
    routing: MetadataValue<Ascii>,
}

/// In which transaction documents are looked at.
#[derive(Debug)]
pub(super) enum Within<'t> {
    None,
    /// One that begins here: its id is put there as soon as it is known, whatever comes then.
    New(TransactionOptions, &'t mut Vec<u8>),
}

/// What became of documents that were asked for: those of which nothing is known are those that `failed` is about.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// With their names, in the order in which they came: that is most often the one in which they are taken.
    documents: VecDeque<(String, Option<Document>)>,
    failed: Option<Error>,
}

impl Found {
    /// The document of this name; `None` where Firestore said that there is none.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<Document>> {
        let at = self.documents.iter().position(|(found, _)| found == name);
        match (at.and_then(|at| self.documents.remove(at)), &self.failed) {
            (Some((_, document)), _) => Ok(document),
            (None, Some(error)) => Err(error.again()),
            (None, None) => Err(unanswered().with_ambiguous(false)),
        }
    }
}

impl Database {
    /// Of a connection. The project may have to be looked up.
    pub(crate) async fn open(connection: &Arc<Connection>, place: &Place) -> Result<Self> {
        let project = match &place.project {
            Some(project) => project,
            None => connection.project().await?,
        };
        let names = Names::new(project, place);
        let escaped = |text| utf8_percent_encode(text, UNRESERVED);
        let routing = format!("project_id={}&database_id={}", escaped(project), escaped(&place.database));
        Ok(Self {
            connection: Arc::clone(connection),
            prefix: header(names.database())?,
            routing: header(&routing)?,
            names: Arc::new(names),
        })
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    fn client(&self) -> Result<FirestoreClient<Authorised>> {
        Ok(FirestoreClient::new(Authorised::new(&self.connection)?))
    }

    /// A request that says which database it is for.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(PREFIX_HEADER, self.prefix.clone());
        request.metadata_mut().insert(ROUTING_HEADER, self.routing.clone());
        if self.connection.is_emulated() {
            request.metadata_mut().insert("authorization", MetadataValue::from_static(EMULATED));
        }
        request
    }

    /// Looks at documents, and of each at some fields, as they were last written.
    pub(super) async fn look(&self, names: Vec<String>, fields: &[&str], within: Within<'_>) -> Found {
        let mut found = Found::default();
        if let Err(error) = self.look_into(&mut found, names, fields, within).await {
            // A read changes nothing: a write that looks first was not sent yet, or has been told to be refused.
            found.failed = Some(unconditional(error).with_ambiguous(false));
        }
        found
    }

    async fn look_into(
        &self,
        found: &mut Found,
        names: Vec<String>,
        fields: &[&str],
        within: Within<'_>,
    ) -> Result<()> {
        let asked = names.len();
        found.documents.reserve(asked);
        let (begin, mut began) = match within {
            Within::None => (None, None),
            Within::New(options, began) => (Some(ConsistencySelector::NewTransaction(options)), Some(began)),
        };
        let request = BatchGetDocumentsRequest {
            database: self.names.database().to_owned(),
            documents: names,
            mask: Some(mask(fields)),
            request_options: None,
            consistency_selector: begin,
        };
        let answer = self.client()?.batch_get_documents(self.request(request)).await.map_err(of_status)?;
        let mut stream = answer.into_inner();
        while let Some(message) = stream.message().await.map_err(of_status)? {
            if let Some(began) = began.as_deref_mut()
                && !message.transaction.is_empty()
            {
                *began = message.transaction;
            }
            match message.result {
                Some(Looked::Found(mut document)) => {
                    let name = std::mem::take(&mut document.name);
                    found.documents.push_back((name, Some(document)));
                }
                Some(Looked::Missing(name)) => found.documents.push_back((name, None)),
                // A transaction, or how far it is.
                None => {}
            }
            if found.documents.len() > asked {
                return Err(too_many());
            }
        }
        Ok(())
    }

    /// Applies writes, all or nothing; the time of each.
    pub(crate) async fn commit(&self, writes: Vec<Write>, transaction: Vec<u8>) -> Result<Vec<WriteResult>> {
        let request = CommitRequest {
            database: self.names.database().to_owned(),
            writes,
            transaction,
            request_options: None,
        };
        let answer = self.client()?.commit(self.request(request)).await.map_err(of_status)?;
        Ok(answer.into_inner().write_results)
    }

    /// Ends a transaction that is not to be committed, and with it its locks.
    pub(super) async fn roll_back(&self, transaction: Vec<u8>) -> Result<()> {
        let request = RollbackRequest {
            database: self.names.database().to_owned(),
            transaction,
            request_options: None,
        };
        self.client()?.rollback(self.request(request)).await.map_err(of_status)?;
        Ok(())
    }

    /// Applies writes, each on its own.
    pub(crate) async fn write_each(&self, writes: Vec<Write>) -> Result<BatchWriteResponse> {
        let request = BatchWriteRequest {
            database: self.names.database().to_owned(),
            writes,
            labels: HashMap::new(),
            request_options: None,
        };
        let answer = self.client()?.batch_write(self.request(request)).await.map_err(of_status)?;
        Ok(answer.into_inner())
    }

    /// The documents below `parent` that a query asks for, one after the other.
    pub(crate) async fn query(
        &self,
        parent: String,
        query: StructuredQuery,
    ) -> Result<Streaming<RunQueryResponse>, Status> {
        let request = RunQueryRequest {
            parent,
            explain_options: None,
            request_options: None,
            query_type: Some(QueryType::StructuredQuery(query)),
            consistency_selector: None,
        };
        let mut client =
            self.client().map_err(|error| Status::from_error(Box::new(crate::grpc::Unsent(error))))?;
        Ok(client.run_query(self.request(request)).await?.into_inner())
    }

    /// A page of the names of a collection's documents, also of those that are not there themselves but have others below them.
    pub(crate) async fn list(
        &self,
        parent: &str,
        collection: &str,
        page_token: String,
    ) -> Result<ListDocumentsResponse> {
        let request = ListDocumentsRequest {
            parent: parent.to_owned(),
            collection_id: collection.to_owned(),
            page_size: LIST_PAGE,
            page_token,
            // Little but the name.
            mask: Some(mask(&[WRITE])),
            show_missing: true,
            ..ListDocumentsRequest::default()
        };
        let answer = self.client()?.list_documents(self.request(request)).await.map_err(of_status)?;
        Ok(answer.into_inner())
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.names).finish()
    }
}

fn header(text: &str) -> Result<MetadataValue<Ascii>> {
    let text = text.parse();
    text.map_err(|_| Error::invalid("the project's name is none of Google's").with_provider(NAME))
}

pub(crate) fn mask(fields: &[&str]) -> DocumentMask {
    DocumentMask { field_paths: fields.iter().map(|&field| field.to_owned()).collect() }
}

/// Writes these fields of a document, and no others; those of them that it has not are removed.
pub(super) fn update(document: Document, fields: &[&str], condition: Option<ConditionType>) -> Write {
    Write {
        update_mask: Some(mask(fields)),
        current_document: condition.map(precondition),
        operation: Some(Operation::Update(document)),
        ..Write::default()
    }
}

/// Deletes a document.
pub(crate) fn delete(name: String, condition: Option<ConditionType>) -> Write {
    Write {
        current_document: condition.map(precondition),
        operation: Some(Operation::Delete(name)),
        ..Write::default()
    }
}

/// Writes the document that stands for a table.
pub(crate) fn mark(name: String) -> Write {
    let format = Value { value_type: Some(ValueType::IntegerValue(1)) };
    let fields = HashMap::from([("format".to_owned(), format)]);
    let document = Document { name, fields, create_time: None, update_time: None };
    Write { operation: Some(Operation::Update(document)), ..Write::default() }
}

fn precondition(condition: ConditionType) -> Precondition {
    Precondition { condition_type: Some(condition) }
}

/// An error of a call that set no condition: where Firestore says that one failed, it is about the database itself.
pub(crate) fn unconditional(error: Error) -> Error {
    match error.kind() {
        ErrorKind::PreconditionFailed => error.with_kind(ErrorKind::Conflict).with_retryable(false),
        _ => error,
    }
}

/// Firestore ended its answer early, and said nothing of this.
pub(super) fn unanswered() -> Error {
    Error::new(ErrorKind::Unavailable, "Firestore ended its answer before all was said").with_provider(NAME)
}

/// No answer is kept that has more than was asked for.
pub(crate) fn too_many() -> Error {
    Error::new(ErrorKind::Malformed, "Firestore answered with more documents than were asked for: is there a proxy between, or another service at the endpoint?")
        .with_ambiguous(false)
        .with_provider(NAME)
}
