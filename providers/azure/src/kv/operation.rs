//! Writes of entities as Table Storage takes them: one as a request of its own, several of one partition as a transaction.

use azure_core::http::Method;
use bytes::Bytes;
use skyport_core::{Error, ErrorKind, Result};

use super::batch;
use super::client::{Call, Client, Failure, JSON, Refused, unreadable};
use super::entity::{PARTITION, Properties, ROW};
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
    Insert(Properties),
    /// Makes it, or replaces whatever is there, or only what has this etag.
    Replace(Properties, Option<Etag>),
    /// Adds to what has this etag.
    Merge(Properties, Etag),
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

/// An operation as HTTP says it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) if_match: Option<String>,
    pub(super) body: Option<Bytes>,
}

impl Partition<'_> {
    /// The path of an entity. The keys have no letter that would have to be escaped.
    pub(super) fn path(&self, row: &str) -> String {
        format!("{}({PARTITION}='{}',{ROW}='{row}')", self.table, self.key)
    }

    /// Does all of it, or nothing; the new etag of each, where it is still there.
    pub(super) async fn apply(&self, mut operations: Vec<Operation>) -> Result<Vec<Option<Etag>>, Failure> {
        if operations.len() > 1 {
            return self.apply_together(operations).await;
        }
        let Some(only) = operations.pop() else { return Ok(Vec::new()) };
        let deletes = matches!(only.verb, Verb::Delete(_));
        let Form { method, path, if_match, body } = self.form(only)?;
        let mut call = Call::new(method, path).header("prefer", "return-no-content");
        if let Some(etag) = if_match {
            call = call.header("if-match", etag);
        }
        if let Some(body) = body {
            call = call.body(JSON, body);
        }
        let answer = self.client.send(call).await.map_err(|failure| match failure {
            Failure::Refused(refused) => Failure::Refused(Refused { index: Some(0), ..refused }),
            other => other,
        })?;
        if deletes {
            return Ok(vec![None]);
        }
        let etag = answer.header("etag").and_then(Etag::read).ok_or_else(unreadable)?;
        Ok(vec![Some(etag)])
    }

    async fn apply_together(&self, operations: Vec<Operation>) -> Result<Vec<Option<Etag>>, Failure> {
        if operations.len() > MOST {
            let text =
                format!("Azure takes {MOST} rows in one transaction, and this would be {}", operations.len());
            return Err(Error::new(ErrorKind::TooLarge, text).with_provider(NAME).into());
        }
        let deletes: Vec<bool> =
            operations.iter().map(|operation| matches!(operation.verb, Verb::Delete(_))).collect();
        let forms =
            operations.into_iter().map(|operation| self.form(operation)).collect::<Result<Vec<_>>>()?;
        let (content_type, body) = batch::write(self.client, forms)?;
        if body.len() > MOST_BYTES {
            let text = format!(
                "Azure takes {MOST_BYTES} bytes in one transaction, and this would be {}",
                body.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, text).with_provider(NAME).into());
        }
        let answer = self.client.send(Call::new(Method::Post, "$batch").body(content_type, body)).await?;
        let etags = batch::read(&answer, deletes.len())?;
        let whole = deletes.iter().zip(&etags).all(|(deletes, etag)| *deletes || etag.is_some());
        if whole { Ok(etags) } else { Err(unreadable().into()) }
    }

    fn form(&self, operation: Operation) -> Result<Form> {
        let Operation { row, verb } = operation;
        let path = self.path(&row);
        let (method, path, if_match, properties) = match verb {
            Verb::Insert(mut properties) => {
                properties.insert(PARTITION.to_owned(), self.key.into());
                properties.insert(ROW.to_owned(), row.into());
                (Method::Post, self.table.to_owned(), None, Some(properties))
            }
            Verb::Replace(properties, etag) => {
                (Method::Put, path, etag.map(|etag| etag.header()), Some(properties))
            }
            Verb::Merge(properties, etag) => (Method::Patch, path, Some(etag.header()), Some(properties)),
            Verb::Delete(etag) => {
                let etag = etag.map_or_else(|| "*".to_owned(), |etag| etag.header());
                (Method::Delete, path, Some(etag), None)
            }
        };
        let json = properties.map(|properties| serde_json::to_vec(&properties)).transpose();
        let body = json.map_err(|error| Error::internal("a row is no JSON").with_source(error))?;
        Ok(Form { method, path, if_match, body: body.map(Bytes::from) })
    }
}
