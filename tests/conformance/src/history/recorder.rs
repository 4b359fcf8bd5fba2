//! A table that notes every operation: when it was called, when it was answered, and with what.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skyport_core::kv::port::{
    Change, Increment, Incremented, ItemCondition, Key, KeyValueStore, QueryOptions, QueryPage, RawItem,
    RawVersion, TableInfo, Write,
};
use skyport_core::{Error, ErrorKind, Result};
use tokio::task::yield_now;

use super::operation::{Answer, Call, Entry, History};
use super::probe::{Attempts, Probe, counting};

/// Wraps a table that is empty, and notes its [`History`].
///
/// What cannot be told from the outside is not noted: reads that failed, and partitions in which anything was to expire.
///
/// Between the note and the call, and between the call's end and the note of that, other tasks run: a fake answers at once, and nothing would be
/// concurrent.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn KeyValueStore>,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    clock: u64,
    entries: Vec<Option<Noted>>,
    keys: BTreeSet<Key>,
    left_out: BTreeSet<Arc<str>>,
}

/// An entry, and how many attempts were made that may have been applied.
#[derive(Debug)]
struct Noted {
    entry: Entry,
    attempts: Attempts,
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
        Arc::new(Self { inner, notes: Mutex::default() })
    }

    /// Around layers that repeat what fails, which `layers` puts around a table. Where an answer was lost, a write that its condition does not
    /// bind to one version is repeated, and may have been applied by each attempt, with the writes of others in between.
    #[must_use]
    pub fn around_retries(
        table: Arc<dyn KeyValueStore>,
        layers: impl FnOnce(Arc<dyn KeyValueStore>) -> Arc<dyn KeyValueStore>,
    ) -> Arc<Self> {
        Self::around(layers(Arc::new(Probe::before(table))))
    }

    /// What has happened so far. What is under way is of unknown fate.
    #[must_use]
    pub fn history(&self) -> History {
        let notes = self.notes();
        let entries = notes.entries.iter().flatten().map(|noted| {
            let mut entry = noted.entry.clone();
            entry.repeats = repeats(&entry, &noted.attempts);
            entry
        });
        let left_out = |entry: &Entry| entry.call.keys().any(|key| notes.left_out.contains(&key.partition));
        let mut entries: Vec<Entry> = entries.filter(|entry| !left_out(entry)).collect();
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
    fn called(&self, call: Call, attempts: &Attempts) -> usize {
        let mut notes = self.notes();
        let called = notes.tick();
        notes.keys.extend(call.keys().cloned());
        if let Call::Write(writes) = &call {
            let expiring =
                writes.iter().filter(|write| expires(write)).map(|write| write.key.partition.clone());
            notes.left_out.extend(expiring);
        }
        let entry = Entry { call, called, answered: None, answer: Answer::Unknown, repeats: 0 };
        notes.entries.push(Some(Noted { entry, attempts: Arc::clone(attempts) }));
        notes.entries.len() - 1
    }

    fn answered<T>(&self, at: usize, result: &Result<T>, answer: impl FnOnce(&T) -> Answer) {
        let mut notes = self.notes();
        let now = notes.tick();
        let Some(noted) = notes.entries.get_mut(at) else { return };
        let answer = match result {
            Ok(value) => Some(answer(value)),
            Err(error) => failure(noted.as_ref().map(|noted| &noted.entry), error),
        };
        match (answer, noted.as_mut()) {
            (Some(answer), Some(noted)) => (noted.entry.answered, noted.entry.answer) = (Some(now), answer),
            // It was refused before anything was tried.
            _ => *noted = None,
        }
    }

    /// Notes what reads found that were called at `called`.
    fn read(&self, called: u64, found: impl IntoIterator<Item = (Key, Option<RawItem>)>) {
        let mut notes = self.notes();
        let answered = Some(notes.tick());
        for (key, item) in found {
            let answer = Answer::Found(item.map(|item| (item.value, item.version)));
            notes.keys.insert(key.clone());
            let entry = Entry { call: Call::Read(key), called, answered, answer, repeats: 0 };
            notes.entries.push(Some(Noted { entry, attempts: Attempts::default() }));
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

/// How often it may have been applied beside the time that is answered.
fn repeats(entry: &Entry, attempts: &Attempts) -> u32 {
    match (&entry.call, &entry.answer) {
        // Where an attempt may have been applied, there is no refusal.
        (Call::Write(writes), Answer::Written(_) | Answer::Unknown) if may_be_applied_again(writes) => {
            attempts.load(Ordering::Relaxed).saturating_sub(1)
        }
        _ => 0,
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
        let attempts = Attempts::default();
        let at = self.called(Call::Write(vec![write.clone()]), &attempts);
        yield_now().await;
        let result = counting(attempts, self.inner.write(write)).await;
        yield_now().await;
        self.answered(at, &result, |version| Answer::Written(vec![version.clone()]));
        result
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let attempts = Attempts::default();
        let calls = writes.iter().map(|write| self.called(Call::Write(vec![write.clone()]), &attempts));
        let calls: Vec<usize> = calls.collect();
        yield_now().await;
        let results = counting(attempts, self.inner.write_many(writes)).await;
        yield_now().await;
        for (at, result) in calls.into_iter().zip(&results) {
            self.answered(at, result, |version| Answer::Written(vec![version.clone()]));
        }
        results
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let attempts = Attempts::default();
        let at = self.called(Call::Write(writes.clone()), &attempts);
        yield_now().await;
        let result = counting(attempts, self.inner.transact(writes)).await;
        yield_now().await;
        self.answered(at, &result, |versions| Answer::Written(versions.clone()));
        result
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let at = self.called(Call::Increment(increment.key.clone(), increment.by), &Attempts::default());
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
