//! Writes that have conditions, all or nothing.
//!
//! They go in one request: what a version tells is what Firestore compares, so that a condition costs no read and no lock. Where
//! one did not hold, a read tells which, or that what is there has expired; then the writes are sent again, on condition
//! that it is still that. Only a check, which Firestore has no write for, needs a transaction of Firestore's: what was read in it
//! cannot be changed by others until it ends.

use bytes::Bytes;
use skyport_core::kv::port::{Change, ItemCondition, RawVersion, Write};
use skyport_core::kv::rounds::Rounds;
use skyport_core::kv::stored::{holds, token_of};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};

use super::FirestoreTable;
use super::database::{Database, Found, Within, precondition, unconditional};
use super::item::{self, Stamp, Stored};
use super::write::Sent;
use crate::proto::firestore::{ConditionType, ReadWrite, TransactionOptions, WriteResult};
use crate::provision::NAME;

/// Why writes were not applied, and which of them it was.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: Error,
    place: Option<usize>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, place: None }
    }
}

/// What Firestore is to find for a write to be applied; learned by looking where a first attempt was refused.
type Expected = Vec<Option<ConditionType>>;

impl FirestoreTable {
    pub(super) async fn write_together(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        self.apply(writes).await.map_err(|refused| match refused.place {
            Some(place) => refused.error.with_item(place),
            None => refused.error,
        })
    }

    /// Applies all writes, or none; the version of each put.
    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>, Refused> {
        let expected = self.expected(&writes)?;
        self.apply_after(writes, expected, None).await
    }

    /// As [`apply`](Self::apply), after a first attempt without checks that ended with this error.
    pub(super) async fn apply_after(
        &self,
        writes: Vec<Write>,
        mut expected: Expected,
        mut ended: Option<Error>,
    ) -> Result<Vec<Option<RawVersion>>, Refused> {
        let database = self.there().await?;
        let (mut retried, mut ran_out) = (Bytes::new(), false);
        let mut rounds = Rounds::new();
        loop {
            let (transaction, error) = match ended.take() {
                Some(error) => (Transaction::none(database), error),
                None => {
                    let transaction = match self.check(database, &writes, std::mem::take(&mut retried)).await
                    {
                        Ok(transaction) => transaction,
                        // A rival holds a lock.
                        Err(refused) if refused.error.kind() == ErrorKind::Conflict => {
                            rounds.again().await?;
                            continue;
                        }
                        Err(refused) => return Err(refused),
                    };
                    match self.send(database, &writes, &expected, transaction.id()).await {
                        Ok(versions) => {
                            transaction.end();
                            return Ok(versions);
                        }
                        Err(error) => (transaction, error),
                    }
                }
            };
            match error.kind() {
                ErrorKind::PreconditionFailed | ErrorKind::AlreadyExists | ErrorKind::NotFound => {
                    if expected.iter().all(Option::is_none) {
                        return Err(unconditional(error).into());
                    }
                    drop(transaction);
                    match self.look_again(database, &writes).await? {
                        Again::Applied(versions) => return Ok(versions),
                        Again::Expect(there) => expected = there,
                    }
                }
                // A rival holds a lock. Firestore prefers those who say that they come again.
                ErrorKind::Conflict => retried = transaction.id(),
                // Firestore says so of a transaction that has ended: it took too long. It would be the writes, were it to say so again.
                ErrorKind::InvalidArgument if transaction.is_open() && !ran_out => ran_out = true,
                _ => return Err(error.into()),
            }
            rounds.again().await?;
        }
    }

    /// What the writes' own conditions expect.
    fn expected(&self, writes: &[Write]) -> Result<Expected, Refused> {
        let expect = |(place, write): (usize, &Write)| {
            self.expected_of(write).map_err(|error| Refused { error, place: Some(place) })
        };
        writes.iter().enumerate().map(expect).collect()
    }

    /// What the write's own condition expects.
    pub(super) fn expected_of(&self, write: &Write) -> Result<Option<ConditionType>> {
        match &write.condition {
            _ if write.change == Change::Check => Ok(None),
            ItemCondition::None => Ok(None),
            ItemCondition::IfAbsent => Ok(Some(ConditionType::Exists(false))),
            ItemCondition::IfVersion(version) => match Stamp::of(version) {
                Some(stamp) if stamp.is_live(self.now()) => {
                    Ok(Some(ConditionType::UpdateTime(stamp.update_time)))
                }
                _ => Err(Error::from(Refusal::Changed).with_provider(NAME)),
            },
        }
    }

    /// Looks whether the checks hold, in a transaction that keeps it so; no transaction where there are none.
    async fn check(
        &self,
        database: &Database,
        writes: &[Write],
        retried: Bytes,
    ) -> Result<Transaction, Refused> {
        let mut transaction = Transaction::none(database);
        let checks = || writes.iter().enumerate().filter(|(_, write)| write.change == Change::Check);
        let names: Vec<String> = checks().map(|(_, write)| database.names().item(&write.key)).collect();
        if names.is_empty() {
            return Ok(transaction);
        }
        let read_write = Some(ReadWrite { retry_transaction: retried });
        let options = TransactionOptions { read_write };
        let mut found =
            database.look(names.clone(), item::STATE, Within::New(options, &mut transaction.id)).await;
        for ((place, write), name) in checks().zip(names) {
            let there = self.state(&mut found, &name)?;
            if !holds(&write.condition, there.live.as_ref()) {
                return Err(refused(place, refusal(&write.condition)));
            }
        }
        Ok(transaction)
    }

    /// Sends the writes once.
    async fn send(
        &self,
        database: &Database,
        writes: &[Write],
        expected: &Expected,
        transaction: Bytes,
    ) -> Result<Vec<Option<RawVersion>>> {
        let (mut sent, mut puts) = (Vec::with_capacity(writes.len()), Vec::with_capacity(writes.len()));
        for (write, condition) in writes.iter().zip(expected) {
            puts.push(Sent::of(database, write.clone()).map(|one| {
                let (mut write, put) = one.into_parts();
                write.current_document = condition.map(precondition);
                sent.push(write);
                put
            }));
        }
        if sent.is_empty() && transaction.is_empty() {
            return Ok(puts.iter().map(|_| None).collect());
        }
        let answers: Vec<WriteResult> = database.commit(sent, transaction).await?;
        let mut answers = answers.iter();
        let versions = puts.into_iter().map(|put| match put {
            Some(put) => Sent::version(put, answers.next()),
            None => Ok(None),
        });
        versions.collect()
    }

    /// After a condition did not hold: which it was, or what to expect next.
    async fn look_again(&self, database: &Database, writes: &[Write]) -> Result<Again, Refused> {
        let names: Vec<String> = writes.iter().map(|write| database.names().item(&write.key)).collect();
        let mut found = database.look(names.clone(), item::STATE, Within::None).await;
        let mut states = Vec::with_capacity(writes.len());
        for name in &names {
            states.push(self.state(&mut found, name)?);
        }
        if let Some(versions) = applied(writes, &states) {
            return Ok(Again::Applied(versions));
        }
        let mut expected = Expected::with_capacity(writes.len());
        for (place, (write, there)) in writes.iter().zip(&states).enumerate() {
            if !holds(&write.condition, there.live.as_ref()) {
                return Err(refused(place, refusal(&write.condition)));
            }
            expected.push(match write.condition {
                _ if write.change == Change::Check => None,
                ItemCondition::None => None,
                _ => Some(there.stamp.map_or(ConditionType::Exists(false), |stamp| {
                    ConditionType::UpdateTime(stamp.update_time)
                })),
            });
        }
        Ok(Again::Expect(expected))
    }

    fn state(&self, found: &mut Found, name: &str) -> Result<State> {
        let Some(document) = found.take(name)? else { return Ok(State::default()) };
        let stored = Stored::read(document)?;
        let live = stored.stamp.is_live(self.now()).then(|| stored.version());
        Ok(State { live, stamp: Some(stored.stamp) })
    }
}

/// What a look after a refusal found.
#[derive(Debug)]
enum Again {
    /// It was this very call that was in its own way: an attempt before this one, whose answer was lost.
    Applied(Vec<Option<RawVersion>>),
    Expect(Expected),
}

/// What is there of an item.
#[derive(Debug, Default)]
struct State {
    /// Its version, unless it has expired.
    live: Option<RawVersion>,
    /// What Firestore compares, where there is a document.
    stamp: Option<Stamp>,
}

/// The versions of all puts, where each put is what is there.
fn applied(writes: &[Write], states: &[State]) -> Option<Vec<Option<RawVersion>>> {
    let mut puts = 0;
    let mut versions = Vec::with_capacity(writes.len());
    for (write, state) in writes.iter().zip(states) {
        versions.push(if matches!(write.change, Change::Put { .. }) {
            let version = state.live.clone()?;
            if token_of(version.as_str()) != Some(write.token) {
                return None;
            }
            puts += 1;
            Some(version)
        } else {
            None
        });
    }
    (puts > 0).then_some(versions)
}

/// What is said where a condition does not hold.
pub(super) fn refusal(condition: &ItemCondition) -> Refusal {
    match condition {
        ItemCondition::IfAbsent => Refusal::Exists,
        ItemCondition::None | ItemCondition::IfVersion(_) => Refusal::Changed,
    }
}

fn refused(place: usize, refusal: Refusal) -> Refused {
    Refused { error: Error::from(refusal).with_provider(NAME), place: Some(place) }
}

/// A transaction of Firestore's, or none. What is dropped before it is over is rolled back in the background: until then its
/// locks would keep others waiting.
#[derive(Debug)]
struct Transaction {
    database: Database,
    id: Bytes,
}

impl Transaction {
    fn none(database: &Database) -> Self {
        Self { database: database.clone(), id: Bytes::new() }
    }

    fn id(&self) -> Bytes {
        self.id.clone()
    }

    fn is_open(&self) -> bool {
        !self.id.is_empty()
    }

    fn end(mut self) {
        self.id.clear();
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let id = std::mem::take(&mut self.id);
        if id.is_empty() {
            return;
        }
        let database = self.database.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if let Err(error) = database.roll_back(id).await {
                    tracing::debug!(%error, "a transaction was not rolled back: Firestore ends it by itself");
                }
            })),
            // Nothing can be sent any more.
            Err(_) => tracing::debug!("a transaction is left to Firestore, which ends it by itself"),
        }
    }
}
