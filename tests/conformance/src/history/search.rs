//! The search for an order: Wing and Gong's, with Lowe's memory of what was tried already.
//!
//! Operations are placed one after the other. One can be next if it was called before the first answer among those that are not placed yet. One of unknown
//! fate may be placed or not. A read that fits is placed at once: it changes nothing, so that no order is lost by it.

use std::collections::{HashMap, HashSet};

use skyport_core::kv::port::{ItemCondition, Key, RawVersion};

use super::model::{State, Versions};
use super::operation::{Answer, Call, Entry};

/// One operation as the search sees it.
struct Operation<'h> {
    entry: &'h Entry,
    call: &'h Call,
    answer: Answer,
    called: u64,
    /// It cannot be placed after anything that was called later than this.
    ends: u64,
    /// It must be placed.
    certain: bool,
    /// The same write, applied once before: repetitions are alike, and only their number counts.
    behind: Option<usize>,
}

/// What the search came to.
pub(super) enum Found {
    Order,
    /// None: how far it came at best, and the state there.
    NoOrder {
        placed: Vec<bool>,
        state: Box<State>,
    },
    /// The steps were spent before.
    Spent,
}

pub(super) struct Search<'h, V> {
    operations: Vec<Operation<'h>>,
    versions: &'h V,
    /// Which operations must find a version: once it is overwritten, it never comes again.
    needed: HashMap<(&'h Key, &'h RawVersion), Vec<usize>>,
}

/// A set of operations, by their places.
type Places = Vec<u64>;

#[derive(Clone)]
struct Place {
    placed: Places,
    state: State,
    /// When the latest of the placed was called: what ended before cannot be placed any more.
    latest: u64,
}

impl<'h, V: Versions> Search<'h, V> {
    /// Of these entries, in the order of their calls.
    pub(super) fn new(entries: &[&'h Entry], versions: &'h V) -> Self {
        let mut operations = Vec::new();
        for entry in entries {
            let certain = entry.is_certain();
            let answered = entry.answered.unwrap_or(u64::MAX);
            operations.push(Operation {
                entry,
                call: &entry.call,
                answer: entry.answer.clone(),
                called: entry.called,
                ends: if certain { answered } else { u64::MAX },
                certain,
                behind: None,
            });
            for number in 0..entry.repeats {
                operations.push(Operation {
                    entry,
                    call: &entry.call,
                    answer: Answer::Unknown,
                    called: entry.called,
                    ends: answered,
                    certain: false,
                    behind: (number > 0).then(|| operations.len() - 1),
                });
            }
        }
        let mut needed: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, operation) in operations.iter().enumerate().filter(|(_, operation)| operation.certain) {
            for (key, version) in needs(operation.entry) {
                needed.entry((key, version)).or_default().push(at);
            }
        }
        Self { operations, versions, needed }
    }

    /// Looks for an order in at most `steps` steps, and counts them down.
    pub(super) fn run(&self, steps: &mut u64) -> Found {
        let start =
            Place { placed: vec![0; self.operations.len().div_ceil(64)], state: State::default(), latest: 0 };
        if self.is_done(&start) {
            return Found::Order;
        }
        let mut best = start.clone();
        let mut seen: HashSet<(Places, State)> = HashSet::new();
        let mut ways = vec![(self.next(&start), start)];
        while let Some((candidates, place)) = ways.last_mut() {
            let Some(next) = candidates.pop() else {
                ways.pop();
                continue;
            };
            match steps.checked_sub(1) {
                Some(left) => *steps = left,
                None => return Found::Spent,
            }
            let Some(after) = self.place(place, next) else { continue };
            if !seen.insert((self.past_forgotten(&after), after.state.clone())) {
                continue;
            }
            if self.is_done(&after) {
                return Found::Order;
            }
            if self.certain_placed(&after) > self.certain_placed(&best) {
                best = after.clone();
            }
            ways.push((self.next(&after), after));
        }
        let entries = (0..self.operations.len()).filter(|at| !self.is_repetition(*at));
        let placed = entries.map(|at| has(&best.placed, at)).collect();
        Found::NoOrder { placed, state: Box::new(best.state) }
    }

    fn is_repetition(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| &self.operations[before]);
        before.is_some_and(|before| std::ptr::eq(before.call, self.operations[at].call))
    }

    fn is_done(&self, place: &Place) -> bool {
        self.operations.iter().enumerate().all(|(at, operation)| !operation.certain || has(&place.placed, at))
    }

    fn certain_placed(&self, place: &Place) -> usize {
        let operations = self.operations.iter().enumerate();
        operations.filter(|(at, operation)| operation.certain && has(&place.placed, *at)).count()
    }

    /// What can be placed next, the most promising last.
    fn next(&self, place: &Place) -> Vec<usize> {
        let open = || self.operations.iter().enumerate().filter(|(at, _)| !has(&place.placed, *at));
        let first_answer =
            open().filter(|(_, operation)| operation.certain).map(|(_, operation)| operation.ends).min();
        let Some(first_answer) = first_answer else { return Vec::new() };
        let lost_soon = open()
            .filter(|(_, operation)| !operation.certain && operation.ends > place.latest)
            .map(|(_, operation)| operation.ends)
            .min();
        let mut candidates = Vec::new();
        for (at, operation) in open() {
            if operation.called > first_answer || operation.ends < place.latest {
                continue;
            }
            if operation.behind.is_some_and(|before| !has(&place.placed, before)) {
                continue;
            }
            // Nothing that is optional can be missed by placing a read now.
            let harmless = operation.certain && lost_soon.is_none_or(|ends| ends > operation.called);
            if harmless && self.changes_nothing(operation, &place.state) {
                return vec![at];
            }
            candidates.push(at);
        }
        // What must be placed goes first, and of that what was answered first.
        candidates.sort_by_key(|at| {
            let operation = &self.operations[*at];
            std::cmp::Reverse((!operation.certain, operation.ends))
        });
        candidates
    }

    fn changes_nothing(&self, operation: &Operation<'_>, state: &State) -> bool {
        let quiet = matches!(operation.answer, Answer::Found(_) | Answer::Refused(..));
        quiet
            && state
                .after(operation.call, &operation.answer, self.versions)
                .is_some_and(|after| after == *state)
    }

    fn place(&self, place: &Place, next: usize) -> Option<Place> {
        let operation = &self.operations[next];
        let state = place.state.after(operation.call, &operation.answer, self.versions)?;
        // What is not certain and changes nothing may as well not have been.
        if !operation.certain && state == place.state {
            return None;
        }
        let mut placed = place.placed.clone();
        placed[next / 64] |= 1 << (next % 64);
        let misses = |key: &Key| {
            let gone = place.state.version(key).filter(|version| state.version(key) != Some(*version));
            let needed = gone.and_then(|version| self.needed.get(&(key, version)));
            needed.is_some_and(|needed| needed.iter().any(|at| !has(&placed, *at)))
        };
        if operation.call.keys().any(misses) {
            return None;
        }
        Some(Place { placed, state, latest: place.latest.max(operation.called) })
    }

    /// What is placed, but for what is optional and can no longer be: whether it was makes no difference from here on.
    fn past_forgotten(&self, place: &Place) -> Places {
        let mut placed = place.placed.clone();
        for (at, operation) in self.operations.iter().enumerate() {
            if !operation.certain && operation.ends < place.latest {
                placed[at / 64] &= !(1 << (at % 64));
            }
        }
        placed
    }
}

/// The versions that an operation with this answer must have found.
fn needs(entry: &Entry) -> Vec<(&Key, &RawVersion)> {
    match (&entry.call, &entry.answer) {
        (Call::Read(key), Answer::Found(Some((_, version)))) => vec![(key, version)],
        (Call::Write(writes), Answer::Written(_)) => {
            let conditions = writes.iter().filter_map(|write| match &write.condition {
                ItemCondition::IfVersion(version) => Some((&write.key, version)),
                _ => None,
            });
            conditions.collect()
        }
        _ => Vec::new(),
    }
}

fn has(places: &Places, at: usize) -> bool {
    places[at / 64] & (1 << (at % 64)) != 0
}
