//! The calls of Firestore that a table makes, in one database.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use skyport_core::{Error, ErrorKind, Result};
use tonic::{Status, Streaming};

use super::item::WRITE;
use super::place::{Names, Place};
use crate::config::Connection;
use crate::error::of_status;
use crate::grpc::Call;
use crate::proto::firestore as wire;
use crate::proto::firestore::{
    ConditionType, Document, DocumentMask, Looked, Operation, Precondition, TransactionOptions, Write,
    WriteResult, Written,
};
use crate::proto::known::Nothing;
use crate::proto::query::{RUN_QUERY, RunQueryRequest, RunQueryResponse, StructuredQuery};
use crate::provision::NAME;

/// How Google's own clients say which database a call is for: without it a call for any but the default one may be sent to
/// the wrong place.
const PREFIX_HEADER: HeaderName = HeaderName::from_static("google-cloud-resource-prefix");
const ROUTING_HEADER: HeaderName = HeaderName::from_static("x-goog-request-params");

/// As whom every client of Google's calls an emulator of Firestore: without it, what needs an administrator is refused there.
const EMULATED: &str = "Bearer owner";

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// About how long a document's name is in a request, and all that stands around.
const NAME_ROOM: usize = 128;
pub(crate) const DELETE_ROOM: usize = 192;
const REQUEST_ROOM: usize = 512;

/// How many names are in one page of a listing.
const LIST_PAGE: i32 = 300;

/// One database, and the names of one table in it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Connection>,
    names: Arc<Names>,
    prefix: HeaderValue,
    routing: HeaderValue,
}

/// In which transaction documents are looked at.
#[derive(Debug)]
pub(super) enum Within<'t> {
    None,
    /// One that begins here: its id is put there as soon as it is known, whatever comes then.
    New(TransactionOptions, &'t mut Bytes),
}

/// What became of documents that were asked for: those of which nothing is known are those that `failed` is about.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// With their names, in the order in which they came: that is most often the one in which they are taken.
    documents: VecDeque<(Bytes, Option<Document>)>,
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
            prefix: header(names.database_name())?,
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

    /// A call that says which database it is for.
    pub(crate) async fn call(&self) -> Result<Call, Status> {
        let call = Call::new(&self.connection).await?;
        let call = call.header(PREFIX_HEADER, self.prefix.clone());
        let call = call.header(ROUTING_HEADER, self.routing.clone());
        if self.connection.is_emulated() {
            return Ok(call.header(AUTHORIZATION, HeaderValue::from_static(EMULATED)));
        }
        Ok(call)
    }

    /// Looks at documents, and of each at some fields, as they were last written.
    pub(super) async fn look(
        &self,
        names: Vec<String>,
        fields: &[&'static str],
        within: Within<'_>,
    ) -> Found {
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
        fields: &[&'static str],
        within: Within<'_>,
    ) -> Result<()> {
        let asked = names.len();
        found.documents.reserve(asked);
        let (new_transaction, mut began) = match within {
            Within::None => (None, None),
            Within::New(options, began) => (Some(options), Some(began)),
        };
        let request = wire::BatchGetDocumentsRequest {
            database: self.names.database(),
            documents: names,
            mask: Some(mask(fields)),
            new_transaction,
        };
        let room = asked * NAME_ROOM + REQUEST_ROOM;
        let call = self.call().await.map_err(of_status)?.room(room);
        let stream = call.streamed(wire::BATCH_GET_DOCUMENTS, request).await;
        let mut stream: Streaming<wire::BatchGetDocumentsResponse> = stream.map_err(of_status)?;
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
    pub(crate) async fn commit(&self, writes: Vec<Write>, transaction: Bytes) -> Result<Vec<WriteResult>> {
        let request = wire::CommitRequest { database: self.names.database(), writes, transaction };
        let call = self.call().await.map_err(of_status)?;
        let answer: wire::CommitResponse = call.unary(wire::COMMIT, request).await.map_err(of_status)?;
        Ok(answer.write_results)
    }

    /// Ends a transaction that is not to be committed, and with it its locks.
    pub(super) async fn roll_back(&self, transaction: Bytes) -> Result<()> {
        let request = wire::RollbackRequest { database: self.names.database(), transaction };
        let call = self.call().await.map_err(of_status)?;
        let Nothing {} = call.unary(wire::ROLLBACK, request).await.map_err(of_status)?;
        Ok(())
    }

    /// Applies writes of about so many bytes, each on its own.
    pub(crate) async fn write_each(
        &self,
        writes: Vec<Write>,
        bytes: usize,
    ) -> Result<wire::BatchWriteResponse> {
        let request = wire::BatchWriteRequest { database: self.names.database(), writes };
        let call = self.call().await.map_err(of_status)?.room(bytes + REQUEST_ROOM);
        call.unary(wire::BATCH_WRITE, request).await.map_err(of_status)
    }

    /// The documents below `parent` that a query asks for, one after the other.
    pub(crate) async fn query(
        &self,
        parent: String,
        query: StructuredQuery,
    ) -> Result<Streaming<RunQueryResponse>, Status> {
        let request = RunQueryRequest { parent, structured_query: Some(query) };
        self.call().await?.streamed(RUN_QUERY, request).await
    }

    /// A page of the names of a collection's documents, also of those that are not there themselves but have others below them.
    pub(crate) async fn list(
        &self,
        parent: &str,
        collection: &str,
        page_token: String,
    ) -> Result<wire::ListDocumentsResponse> {
        let request = wire::ListDocumentsRequest {
            parent: parent.to_owned(),
            collection_id: collection.to_owned(),
            page_size: LIST_PAGE,
            page_token,
            // Little but the name.
            mask: Some(mask(&[WRITE])),
            show_missing: true,
        };
        self.call().await.map_err(of_status)?.unary(wire::LIST_DOCUMENTS, request).await.map_err(of_status)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.names).finish()
    }
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::invalid("the project's name is none of Google's").with_provider(NAME))
}

pub(crate) fn mask(fields: &[&'static str]) -> DocumentMask {
    DocumentMask { field_paths: fields.iter().map(|field| Bytes::from_static(field.as_bytes())).collect() }
}

/// Writes these fields of a document, and no others; those of them that it has not are removed.
pub(super) fn update(document: Written, fields: &[&'static str], condition: Option<ConditionType>) -> Write {
    Write {
        update_mask: Some(mask(fields)),
        current_document: condition.map(precondition),
        operation: Some(Operation::Update(document)),
    }
}

/// A document's name as a text.
pub(crate) fn name_of(document: Document) -> Result<String> {
    String::from_utf8(document.name.into()).map_err(|error| {
        let text = "Firestore answered with a document whose name is no text: is there another service at the endpoint?";
        Error::new(ErrorKind::Malformed, text).with_source(error).with_ambiguous(false).with_provider(NAME)
    })
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
    let format = wire::Value { value_type: Some(wire::ValueType::Integer(1)) };
    let format = wire::Field { name: Bytes::from_static(b"format"), value: Some(format) };
    let document = Written { name, fields: vec![format] };
    Write { operation: Some(Operation::Update(document)), ..Write::default() }
}

pub(super) fn precondition(condition: ConditionType) -> Precondition {
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
