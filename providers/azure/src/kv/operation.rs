//! Writes of entities as Table Storage takes them: one as a request of its own, several of one partition as a transaction.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue, IF_MATCH};
use skyport_core::{Error, ErrorKind, Result};

use super::batch;
use super::client::{Client, Failure, Refused, json, unreadable};
use super::entity::{PARTITION, ROW, Written};
use super::stamp::Etag;
use crate::provision::NAME;

/// The most operations of one transaction.
pub(super) const MOST: usize = 100;
/// The most bytes of one transaction, as they are sent.
const MOST_BYTES: usize = 4 << 20;

/// What is done to one entity.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    /// Makes it, where there is none.
    Insert(Written),
    /// Makes it, or replaces whatever is there, or only what has this etag.
    Replace(Written, Option<Etag>),
    /// Adds to what has this etag.
    Merge(Written, Etag),
    /// Deletes it, whatever it is or where it has this etag; it has to be there.
    Delete(Option<Etag>),
}

/// One write.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) row: String,
    pub(super) verb: Verb,
}

/// Some rows of one partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partition<'p> {
    pub(super) client: &'p Client,
    pub(super) table: &'p str,
    /// As it is stored.
    pub(super) key: &'p str,
}

/// What an operation expects to be there.
#[derive(Clone, Copy, Debug)]
pub(super) enum IfMatch<'o> {
    /// It does not say.
    Unsaid,
    /// Anything.
    Any,
    This(&'o Etag),
}

/// An operation as HTTP says it.
#[derive(Debug)]
pub(super) struct Form<'o> {
    pub(super) method: Method,
    pub(super) if_match: IfMatch<'o>,
    pub(super) body: Option<&'o Written>,
}

impl Operation {
    pub(super) fn form(&self) -> Form<'_> {
        let (method, if_match, body) = match &self.verb {
            Verb::Insert(written) => (Method::POST, IfMatch::Unsaid, Some(written)),
            Verb::Replace(written, None) => (Method::PUT, IfMatch::Unsaid, Some(written)),
            Verb::Replace(written, Some(etag)) => (Method::PUT, IfMatch::This(etag), Some(written)),
            Verb::Merge(written, etag) => (Method::PATCH, IfMatch::This(etag), Some(written)),
            Verb::Delete(None) => (Method::DELETE, IfMatch::Any, None),
            Verb::Delete(Some(etag)) => (Method::DELETE, IfMatch::This(etag), None),
        };
        Form { method, if_match, body }
    }

    /// What it writes of an entity.
    pub(super) fn written(&self) -> Option<&Written> {
        self.form().body
    }

    pub(super) fn deletes(&self) -> bool {
        matches!(self.verb, Verb::Delete(_))
    }

    /// What stands after the account in its URL.
    pub(super) fn path<'p>(&'p self, partition: Partition<'p>) -> Path<'p> {
        match self.verb {
            Verb::Insert(_) => [partition.table, "", "", "", "", ""],
            _ => partition.path(&self.row),
        }
    }

    /// Adds its entity as JSON. One that is made tells its keys there.
    pub(super) fn write_body(&self, partition: Partition<'_>, into: &mut Vec<u8>) -> std::io::Result<()> {
        let keys = matches!(self.verb, Verb::Insert(_)).then_some((partition.key, &*self.row));
        self.written().map_or(Ok(()), |written| written.write_json(keys, into))
    }

    /// How long its entity is, or less.
    pub(super) fn length(&self) -> usize {
        self.written().map_or(0, |written| self.row.len() + written.length())
    }
}

/// The pieces of the path of an entity.
pub(super) type Path<'p> = [&'p str; 6];

impl<'p> Partition<'p> {
    /// The path of an entity. The keys have no letter that would have to be escaped.
    pub(super) fn path(&self, row: &'p str) -> Path<'p> {
        const { assert!(PARTITION.len() == 12 && ROW.len() == 6) };
        [self.table, "(PartitionKey='", self.key, "',RowKey='", row, "')"]
    }

    /// Does all of it, or nothing; the new etag of each, where it is still there.
    pub(super) async fn apply(&self, operations: &[Operation]) -> Result<Vec<Option<Etag>>, Failure> {
        match operations {
            [] => Ok(Vec::new()),
            [only] => self.apply_one(only).await.map(|etag| vec![etag]),
            several => self.apply_together(several).await,
        }
    }

    async fn apply_one(&self, operation: &Operation) -> Result<Option<Etag>, Failure> {
        let Form { method, if_match, body } = operation.form();
        let mut call = self.client.write(method, &operation.path(*self));
        match if_match {
            IfMatch::Unsaid => {}
            IfMatch::Any => call = call.header(IF_MATCH, HeaderValue::from_static("*")),
            IfMatch::This(etag) => {
                let etag = HeaderValue::try_from(etag.header())
                    .map_err(|error| Error::internal("an etag is no header").with_source(error))?;
                call = call.header(IF_MATCH, etag);
            }
        }
        if body.is_some() {
            let mut body = Vec::with_capacity(self.key.len() + operation.length());
            operation
                .write_body(*self, &mut body)
                .map_err(|error| Error::internal("a row is no JSON").with_source(error))?;
            call = json(call, body);
        }
        let answer = self.client.send(call).await.map_err(|failure| match failure {
            Failure::Refused(refused) => Failure::Refused(Refused { index: Some(0), ..refused }),
            other => other,
        })?;
        if operation.deletes() {
            return Ok(None);
        }
        let etag = answer.header("etag").and_then(Etag::read).ok_or_else(unreadable)?;
        Ok(Some(etag))
    }

    async fn apply_together(&self, operations: &[Operation]) -> Result<Vec<Option<Etag>>, Failure> {
        if operations.len() > MOST {
            let text =
                format!("Azure takes {MOST} rows in one transaction, and this would be {}", operations.len());
            return Err(Error::new(ErrorKind::TooLarge, text).with_provider(NAME).into());
        }
        let (content_type, body) = batch::write(*self, operations)?;
        if body.len() > MOST_BYTES {
            let text = format!(
                "Azure takes {MOST_BYTES} bytes in one transaction, and this would be {}",
                body.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, text).with_provider(NAME).into());
        }
        let call = self.client.call(Method::POST, &["$batch"]).header(CONTENT_TYPE, content_type).body(body);
        let answer = self.client.send(call).await?;
        let etags = batch::read(&answer, operations.len())?;
        let whole =
            operations.iter().zip(&etags).all(|(operation, etag)| operation.deletes() || etag.is_some());
        if whole { Ok(etags) } else { Err(unreadable().into()) }
    }
}
