//! A table that notes every operation: when it was called, when it was answered, and with what.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skyport_core::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, KeyValueStore, QueryOptions, QueryPage, RawItem,
    RawVersion, TableInfo, Write,
};
use skyport_core::{Error, ErrorKind, Result};
use tokio::task::yield_now;

use super::operation::{Answer, Call, Entry, History};

/// Wraps a table that is empty, and notes its [`History`].
///
/// What cannot be told from the outside is not noted: reads that failed, and partitions in which anything was to expire.
///
/// Between the note and the call, and between the call's end and the note of that, other tasks run: a fake answers at once, and nothing would be
/// concurrent.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn KeyValueStore>,
    /// How often a write may be applied beside the time that is answered.
    repeats: u32,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    clock: u64,
    entries: Vec<Option<Entry>>,
    keys: BTreeSet<Key>,
    left_out: BTreeSet<Arc<str>>,
}

impl Notes {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

impl Recorder {
    /// Around a table that applies each write once, or says that it may have.
    #[must_use]
    pub fn around(inner: Arc<dyn KeyValueStore>) -> Arc<Self> {
        Self::around_retries(inner, 1)
    }

    /// Around a table that makes so many attempts: where an answer was lost, a write that its condition does not bind to one version is repeated, and may have
    /// been applied by each attempt, with the writes of others in between.
    #[must_use]
    pub fn around_retries(inner: Arc<dyn KeyValueStore>, attempts: u32) -> Arc<Self> {
        Arc::new(Self { inner, repeats: attempts.saturating_sub(1), notes: Mutex::default() })
    }

    /// What has happened so far. What is under way is of unknown fate.
    #[must_use]
    pub fn history(&self) -> History {
        let notes = self.notes();
        let entries = notes.entries.iter().flatten();
        let kept =
            entries.filter(|entry| !entry.call.keys().any(|key| notes.left_out.contains(&key.partition)));
        let mut entries: Vec<Entry> = kept.cloned().collect();
        // Reads are noted when they are answered.
        entries.sort_by_key(|entry| entry.called);
        History { entries }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.notes().tick()
    }

    /// Notes a call that changes something; where its answer never comes, its fate is unknown.
    fn called(&self, call: Call) -> usize {
        let repeats = match &call {
            Call::Write(writes) if may_be_applied_again(writes) => self.repeats,
            _ => 0,
        };
        let mut notes = self.notes();
        let called = notes.tick();
        notes.keys.extend(call.keys().cloned());
        if let Call::Write(writes) = &call {
            let expiring =
                writes.iter().filter(|write| expires(write)).map(|write| write.key.partition.clone());
            notes.left_out.extend(expiring);
        }
        notes.entries.push(Some(Entry { call, called, answered: None, answer: Answer::Unknown, repeats }));
        notes.entries.len() - 1
    }

    fn answered<T>(&self, at: usize, result: &Result<T>, answer: impl FnOnce(&T) -> Answer) {
        let mut notes = self.notes();
        let now = notes.tick();
        let Some(entry) = notes.entries.get_mut(at) else { return };
        let answer = match result {
            Ok(value) => Some(answer(value)),
            Err(error) => failure(entry.as_ref(), error),
        };
        match (answer, entry.as_mut()) {
            (Some(answer), Some(entry)) => {
                if matches!(answer, Answer::Refused(..)) {
                    // An attempt that met nothing but refusals was never applied; where one may have been, there is no refusal.
                    entry.repeats = 0;
                }
                (entry.answered, entry.answer) = (Some(now), answer);
            }
            // It was refused before anything was tried.
            _ => *entry = None,
        }
    }

    /// Notes what reads found that were called at `called`.
    fn read(&self, called: u64, found: impl IntoIterator<Item = (Key, Option<RawItem>)>) {
        let mut notes = self.notes();
        let answered = Some(notes.tick());
        for (key, item) in found {
            let answer = Answer::Found(item.map(|item| (item.value, item.version)));
            notes.keys.insert(key.clone());
            notes.entries.push(Some(Entry { call: Call::Read(key), called, answered, answer, repeats: 0 }));
        }
    }

    /// The keys that a page must have shown, were they there.
    fn covered(&self, options: &QueryOptions, page: &QueryPage) -> Vec<Key> {
        let (first, last) = (page.items.first(), page.items.last());
        // Where the page before ended is not known here: what lies before the first item is not looked at.
        let begins = |key: &Key| match (&options.token, first) {
            (None, _) => true,
            (Some(_), Some(first)) if options.reverse => key.sort <= first.key.sort,
            (Some(_), Some(first)) => key.sort >= first.key.sort,
            (Some(_), None) => false,
        };
        let ends = |key: &Key| match (&page.next, last) {
            (None, _) => true,
            (Some(_), Some(last)) if options.reverse => key.sort >= last.key.sort,
            (Some(_), Some(last)) => key.sort <= last.key.sort,
            (Some(_), None) => false,
        };
        let within = |key: &Key| {
            let starts = match &options.start {
                Bound::Unbounded => true,
                Bound::Included(start) => key.sort >= *start,
                Bound::Excluded(start) => key.sort > *start,
            };
            starts
                && match &options.end {
                    Bound::Unbounded => true,
                    Bound::Included(end) => key.sort <= *end,
                    Bound::Excluded(end) => key.sort < *end,
                }
        };
        let notes = self.notes();
        let keys = notes.keys.iter().filter(|key| key.partition == options.partition);
        keys.filter(|key| within(key) && begins(key) && ends(key)).cloned().collect()
    }
}

/// Whether the same write can be applied to what it has made itself.
fn may_be_applied_again(writes: &[Write]) -> bool {
    let changes = |write: &&Write| write.change != Change::Check;
    let bound = |write: &Write| matches!(write.condition, ItemCondition::IfVersion(_));
    writes.iter().any(|write| changes(&write)) && !writes.iter().filter(changes).any(bound)
}

fn expires(write: &Write) -> bool {
    matches!(write.change, Change::Put { expires: Some(_), .. })
}

/// What an error says of the operation; `None` where there was none.
fn failure(entry: Option<&Entry>, error: &Error) -> Option<Answer> {
    let counts = matches!(entry.map(|entry| &entry.call), Some(Call::Increment(..)));
    match error.kind() {
        _ if error.is_ambiguous() => Some(Answer::Unknown),
        kind @ (ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed) => {
            Some(Answer::Refused(kind, error.item()))
        }
        kind @ ErrorKind::InvalidArgument if counts => Some(Answer::Refused(kind, None)),
        _ => None,
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl KeyValueStore for Recorder {
    fn info(&self) -> &TableInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        let called = self.now();
        yield_now().await;
        let found = self.inner.get(key).await?;
        yield_now().await;
        self.read(called, [(key.clone(), found.clone())]);
        Ok(found)
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let called = self.now();
        yield_now().await;
        let results = self.inner.get_many(keys.clone()).await;
        yield_now().await;
        let found = keys.into_iter().zip(&results);
        self.read(called, found.filter_map(|(key, found)| Some((key, found.as_ref().ok()?.clone()))));
        results
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        let at = self.called(Call::Write(vec![write.clone()]));
        yield_now().await;
        let result = self.inner.write(write).await;
        yield_now().await;
        self.answered(at, &result, |version| Answer::Written(vec![version.clone()]));
        result
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let calls = writes.iter().map(|write| self.called(Call::Write(vec![write.clone()])));
        let calls: Vec<usize> = calls.collect();
        yield_now().await;
        let results = self.inner.write_many(writes).await;
        yield_now().await;
        for (at, result) in calls.into_iter().zip(&results) {
            self.answered(at, result, |version| Answer::Written(vec![version.clone()]));
        }
        results
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let at = self.called(Call::Write(writes.clone()));
        yield_now().await;
        let result = self.inner.transact(writes).await;
        yield_now().await;
        self.answered(at, &result, |versions| Answer::Written(versions.clone()));
        result
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let at = self.called(Call::Increment(increment.key.clone(), increment.by));
        yield_now().await;
        let result = self.inner.increment(increment).await;
        yield_now().await;
        self.answered(at, &result, |counted| Answer::Counted(counted.value, counted.version.clone()));
        result
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        let called = self.now();
        yield_now().await;
        let page = self.inner.query(options.clone()).await?;
        yield_now().await;
        let mut found: Vec<(Key, Option<RawItem>)> =
            page.items.iter().map(|item| (item.key.clone(), Some(item.clone()))).collect();
        let shown: BTreeSet<&Key> = page.items.iter().map(|item| &item.key).collect();
        let absent = self.covered(&options, &page).into_iter().filter(|key| !shown.contains(key));
        found.extend(absent.map(|key| (key, None)));
        self.read(called, found);
        Ok(page)
    }

    async fn sweep(&self) -> Result<u64> {
        self.inner.sweep().await
    }
}
