//! One write. Without a condition it is one request that asks nothing back; with one, a transaction of one write.

use bytes::Bytes;
use skyport_core::kv::port::{Change, ItemCondition, Key, RawVersion, Write};
use skyport_core::kv::stored::{holds, name_attempt};
use skyport_core::{Error, Result};

use super::FirestoreTable;
use super::database::{Database, delete, precondition, unconditional, update};
use super::item::{self, Made, Stamp, stored_expiry, stored_value};
use super::transact::refusal;
use crate::proto::firestore as wire;
use crate::proto::firestore::WriteResult;
use crate::provision::NAME;

/// A put or a delete as it is sent, and what makes a version of its answer.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) write: wire::Write,
    /// Of a put: the attempt's name, and its expiry.
    put: Option<Put>,
}

/// What a put has beside what is sent: with the time of the answer it makes the version.
#[derive(Debug)]
pub(super) struct Put {
    /// The attempt's name.
    attempt: Bytes,
    expires: Option<u64>,
}

impl Sent {
    /// A write without its condition; `None` where it changes nothing.
    pub(super) fn of(database: &Database, write: Write) -> Option<Self> {
        let name = database.names().item(&write.key);
        match write.change {
            Change::Check => None,
            Change::Delete => Some(Self { write: delete(name, None), put: None }),
            Change::Put { value, expires } => {
                let attempt = Bytes::from_owner(name_attempt(write.token));
                let expires = expires.map(stored_expiry);
                let made = Made::new(&write.key.sort, stored_value(value), attempt.clone(), expires);
                let write = update(made.into_document(name), item::PUT, None);
                Some(Self { write, put: Some(Put { attempt, expires }) })
            }
        }
    }

    /// The version that this answer gives.
    pub(super) fn version(put: Option<Put>, answer: Option<&WriteResult>) -> Result<Option<RawVersion>> {
        let Some(Put { attempt, expires }) = put else { return Ok(None) };
        let update_time = answer.and_then(|answer| answer.update_time).ok_or_else(untimed)?;
        // It was made of a text.
        let attempt = std::str::from_utf8(&attempt).unwrap_or_default();
        Ok(Some(Stamp { update_time, expires }.version(attempt)))
    }

    pub(super) fn into_parts(self) -> (wire::Write, Option<Put>) {
        (self.write, self.put)
    }
}

/// It was applied, and the answer lacks when.
pub(super) fn untimed() -> Error {
    Error::internal("Firestore did not say when it applied a write").with_ambiguous(true).with_provider(NAME)
}

impl FirestoreTable {
    pub(super) async fn write_one(&self, write: Write) -> Result<Option<RawVersion>> {
        if write.change == Change::Check {
            return self.check_one(&write.key, &write.condition).await;
        }
        let database = self.there().await?;
        if write.condition != ItemCondition::None {
            return self.write_if(database, write).await;
        }
        let Some(sent) = Sent::of(database, write) else { return Ok(None) };
        let (write, put) = sent.into_parts();
        let answers = database.commit(vec![write], Bytes::new()).await.map_err(unconditional)?;
        Sent::version(put, answers.first())
    }

    /// A write whose condition Firestore compares by itself. Where it does not hold, that is looked into as for several writes.
    async fn write_if(&self, database: &Database, write: Write) -> Result<Option<RawVersion>> {
        let expected = self.expected_of(&write)?;
        let Some(sent) = Sent::of(database, write.clone()) else { return Ok(None) };
        let (mut first, put) = sent.into_parts();
        first.current_document = expected.map(precondition);
        let error = match database.commit(vec![first], Bytes::new()).await {
            Ok(answers) => return Sent::version(put, answers.first()),
            Err(error) => error,
        };
        let versions = self.apply_after(vec![write], vec![expected], Some(error)).await;
        Ok(versions.map_err(|refused| refused.error)?.into_iter().next().flatten())
    }

    /// A check alone is a read: there is nothing that would have to happen at the same moment.
    async fn check_one(&self, key: &Key, condition: &ItemCondition) -> Result<Option<RawVersion>> {
        let there = self.read(key).await?;
        if holds(condition, there.as_ref().map(|item| &item.version)) {
            return Ok(None);
        }
        Err(Error::from(refusal(condition)).with_provider(NAME))
    }
}
