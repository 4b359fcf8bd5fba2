//! Writes that have conditions, all or nothing.
//!
//! They go in one request: what a version tells is what Azure compares, so that a condition costs no read. Where one did not hold, reads
//! tell which, or that what is there has expired; then the writes are sent again, on condition that it is still that.
//!
//! A check changes nothing, and Azure has no operation of the kind. An item that is to be there gets a note of the version that it has,
//! and keeps it; where none is to be, a row is made that no operation sees, and is deleted when all is done.

use futures_util::{StreamExt, TryStreamExt};
use skyport_core::kv::port::{Change, ItemCondition, RawVersion, Write};
use skyport_core::kv::rounds::Rounds;
use skyport_core::kv::stored::{holds, token_of};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, Result};

use super::client::{Failure, NO_ROW};
use super::entity::{STATE, Stored};
use super::operation::{MOST, Operation, Partition};
use super::plan::{Expected, Mirrors, Plan, Role};
use super::stamp::Stamp;
use super::{AT_ONCE, AzureTable, key};
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

impl AzureTable {
    pub(super) async fn write_together(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        self.apply(writes).await.map_err(|refused| match refused.place {
            Some(place) => refused.error.with_item(place),
            None => refused.error,
        })
    }

    /// Applies all writes, or none; the version of each put.
    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>, Refused> {
        let Some(first) = writes.first() else { return Ok(Vec::new()) };
        let stored = key::partition(&first.key.partition);
        let partition = self.partition(&stored);
        let mut expected = self.expected(&writes)?;
        let mut mirrors = if self.mirrored { Mirrors::Together } else { Mirrors::None };
        let mut rounds = Rounds::new();
        loop {
            let (failure, about) = match self.send(partition, &writes, &expected, mirrors).await {
                Ok(versions) => return Ok(versions),
                // An item of a time without a reverse index.
                Err((failure, Some((_, Role::Mirror))))
                    if failure.is(NO_ROW) && mirrors == Mirrors::Together =>
                {
                    mirrors = Mirrors::Made;
                    continue;
                }
                Err(failed) => failed,
            };
            if !failure.is_changed() {
                return Err(Error::from(failure).into());
            }
            match self.look_again(&writes, about.map(|(place, _)| place)).await? {
                Again::Applied(versions) => return Ok(versions),
                Again::Expect(there) => expected = there,
            }
            rounds.again().await?;
        }
    }

    /// What the writes' own conditions expect.
    fn expected(&self, writes: &[Write]) -> Result<Vec<Expected>, Refused> {
        let now = self.now();
        let expect = |(place, write): (usize, &Write)| match &write.condition {
            ItemCondition::None => Ok(Expected::Any),
            ItemCondition::IfAbsent => Ok(Expected::Nothing),
            ItemCondition::IfVersion(version) => match Stamp::of(version) {
                Some(stamp) if stamp.is_live(now) => {
                    Ok(Expected::Row { etag: stamp.etag.clone(), named: stamp.etag, is_item: true })
                }
                _ => Err(refused(place, Refusal::Changed)),
            },
        };
        writes.iter().enumerate().map(expect).collect()
    }

    /// Sends the writes once; a failure tells which write it is about, and what its operation was for.
    async fn send(
        &self,
        partition: Partition<'_>,
        writes: &[Write],
        expected: &[Expected],
        mirrors: Mirrors,
    ) -> Result<Vec<Option<RawVersion>>, (Failure, Option<(usize, Role)>)> {
        let now = self.now();
        let mut plan = Plan::of(writes, expected, mirrors, now);
        let noted = plan.operations.len() > MOST && mirrors != Mirrors::None;
        let note = if noted {
            plan = Plan::of(writes, expected, Mirrors::Noted, now);
            Some(self.note(partition, writes).await.map_err(|failure| (failure, None))?)
        } else {
            None
        };
        let etags = match partition.apply(&plan.operations).await {
            Ok(etags) => etags,
            Err(failure) => {
                let about = match &failure {
                    Failure::Refused(refused) if !refused.error.is_ambiguous() => {
                        if let Some(note) = note {
                            note.forget(partition).await;
                        }
                        refused.index.and_then(|at| plan.roles.get(at)).copied()
                    }
                    // Whether it was done is not known: the note stays.
                    _ => None,
                };
                return Err((failure, about));
            }
        };
        self.seen();
        if let Some(note) = note {
            note.fulfil(partition).await;
        }
        release(partition, plan.releases(writes, &etags)).await;
        Ok(plan.versions(&etags))
    }

    /// What Azure said that it failed with is mostly what does not hold: then the others need not be read. Where it is what this very call
    /// has put, they do.
    async fn look_first(&self, place: usize, write: &Write) -> Result<(), Refused> {
        let there = self.stored(&write.key, Some(STATE)).await?;
        let live = there.and_then(|stored| stored.live(self.now()));
        let is_put = matches!(write.change, Change::Put { .. });
        let own = is_put && live.as_ref().is_some_and(|live| token_of(live.as_str()) == Some(write.token));
        if own || holds(&write.condition, live.as_ref()) {
            return Ok(());
        }
        Err(refused(place, refusal(&write.condition)))
    }

    /// After a condition did not hold: which it was, or what to expect next.
    async fn look_again(&self, writes: &[Write], about: Option<usize>) -> Result<Again, Refused> {
        if let Some((place, write)) = about.and_then(|place| Some((place, writes.get(place)?)))
            && writes.len() > 1
        {
            self.look_first(place, write).await?;
        }
        let mut reads = Vec::with_capacity(writes.len());
        for write in writes {
            reads.push(self.stored(&write.key, Some(STATE)));
        }
        let there: Vec<Option<Stored<'static>>> =
            futures_util::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let now = self.now();
        let live: Vec<Option<RawVersion>> =
            there.iter().map(|stored| stored.as_ref().and_then(|stored| stored.live(now))).collect();
        if let Some(versions) = applied(writes, &live) {
            return Ok(Again::Applied(versions));
        }
        for (place, (write, live)) in writes.iter().zip(&live).enumerate() {
            if !holds(&write.condition, live.as_ref()) {
                return Err(refused(place, refusal(&write.condition)));
            }
        }
        // To delete what is not there is done.
        if let ([Write { change: Change::Delete, .. }], [None]) = (writes, &*there) {
            return Ok(Again::Applied(vec![None]));
        }
        let expected = writes.iter().zip(&there).map(|(write, there)| Expected::of(write, there.as_ref()));
        Ok(Again::Expect(expected.collect()))
    }
}

/// What a look after a refusal found.
#[derive(Debug)]
enum Again {
    /// There is nothing left to do: it was this very call that was in its own way, an attempt before this one whose answer was lost.
    Applied(Vec<Option<RawVersion>>),
    Expect(Vec<Expected>),
}

/// Takes placeholders away: together, or each on its own where somebody has taken one of them over.
async fn release(partition: Partition<'_>, placeholders: Vec<Operation>) {
    let left = |failure: Failure| {
        let error = Error::from(failure);
        tracing::debug!(%error, "placeholders of checks are left to a sweep");
    };
    match partition.apply(&placeholders).await {
        Ok(_) => {}
        Err(failure) if failure.is_changed() && placeholders.len() > 1 => {
            let each = placeholders.into_iter().map(|one| async move { partition.apply(&[one]).await });
            let mut each = futures_util::stream::iter(each).buffer_unordered(AT_ONCE);
            while let Some(released) = each.next().await {
                released.err().filter(|failure| !failure.is_changed()).into_iter().for_each(left);
            }
        }
        // It is somebody else's now.
        Err(failure) if failure.is_changed() => {}
        Err(failure) => left(failure),
    }
}

/// The versions of all puts, where each put is what is there.
fn applied(writes: &[Write], live: &[Option<RawVersion>]) -> Option<Vec<Option<RawVersion>>> {
    let mut puts = 0;
    let mut versions = Vec::with_capacity(writes.len());
    for (write, live) in writes.iter().zip(live) {
        versions.push(if matches!(write.change, Change::Put { .. }) {
            let version = live.clone()?;
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
