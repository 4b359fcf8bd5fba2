//! The checker: cuts a history into keys that have nothing to do with each other, and searches an order for each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use skyport_core::kv::port::{Key, RawVersion};

use super::model::Versions;
use super::operation::{Answer, Call, Entry, History};
use super::search::{Found, Search};

/// Decides whether histories are linearizable, with a bound on its work.
#[derive(Clone, Copy, Debug)]
pub struct Checker {
    steps: u64,
}

/// What was checked, and found right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Operations whose answer was known.
    pub operations: usize,
    /// Operations of which nobody knew whether they were applied.
    pub unknown: usize,
    /// Keys.
    pub keys: usize,
    /// Steps of the search.
    pub steps: u64,
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, more: Self) {
        self.operations += more.operations;
        self.unknown += more.unknown;
        self.keys += more.keys;
        self.steps += more.steps;
    }
}

/// Why a history cannot stand.
#[derive(Debug)]
pub enum Violation {
    /// No order of the operations explains all answers.
    NotLinearizable {
        /// The keys that it is about.
        keys: Vec<Key>,
        /// How far the best order came, and the operations.
        report: String,
    },
    /// Two writes were answered with one version.
    VersionReused {
        /// The key.
        key: Key,
        /// The version.
        version: RawVersion,
    },
    /// The steps were spent before anything was found: shorten the history, or raise the bound.
    Undecided {
        /// The keys that it is about.
        keys: Vec<Key>,
        /// The bound.
        steps: u64,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |keys: &[Key]| {
            keys.iter().map(|key| format!("{key:?}", key = key.to_string())).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::NotLinearizable { keys, report } => {
                write!(f, "the history of {} is not linearizable: {report}", names(keys))
            }
            Self::VersionReused { key, version } => {
                write!(f, "version {} of {key} was given twice", version.as_str())
            }
            Self::Undecided { keys, steps } => {
                write!(f, "the history of {} was not decided in {steps} steps", names(keys))
            }
        }
    }
}

impl std::error::Error for Violation {}

impl Default for Checker {
    /// 100,000 steps for each group of keys.
    fn default() -> Self {
        Self { steps: 100_000 }
    }
}

impl Checker {
    /// With so many steps of the search for each group of keys; a step takes some microseconds and up to a kilobyte.
    #[must_use]
    pub fn with_steps(steps: u64) -> Self {
        Self { steps }
    }

    /// Checks a history.
    ///
    /// # Errors
    /// The first violation.
    pub fn check(&self, history: &History) -> Result<Checked, Violation> {
        let versions = Answered::of(history)?;
        let mut checked = Checked::default();
        for (keys, entries) in groups(history) {
            let mut left = self.steps;
            match Search::new(&entries, &versions).run(&mut left) {
                Found::Order => {}
                Found::Spent => return Err(Violation::Undecided { keys, steps: self.steps }),
                Found::NoOrder { placed, state } => {
                    let report = report(&entries, &placed, &state.to_string());
                    return Err(Violation::NotLinearizable { keys, report });
                }
            }
            let certain = entries.iter().filter(|entry| entry.is_certain()).count();
            checked += Checked {
                operations: certain,
                unknown: entries.len() - certain,
                keys: keys.len(),
                steps: self.steps - left,
            };
        }
        Ok(checked)
    }
}

fn report(entries: &[&Entry], placed: &[bool], state: &str) -> String {
    let mut report = format!("at best those with + can be put in order, which leaves {state}\n");
    for (entry, placed) in entries.iter().zip(placed) {
        report.push_str(if *placed { "+ " } else { "  " });
        report.push_str(&format!("{entry}\n"));
    }
    report
}

/// The versions that writes were answered with.
struct Answered<'h>(HashSet<(&'h Key, &'h RawVersion)>);

impl<'h> Answered<'h> {
    fn of(history: &'h History) -> Result<Self, Violation> {
        let mut all = HashSet::new();
        for entry in &history.entries {
            let (Call::Write(writes), Answer::Written(made)) = (&entry.call, &entry.answer) else { continue };
            let pairs = writes.iter().zip(made);
            let made = pairs.filter_map(|(write, version)| Some((&write.key, version.as_ref()?)));
            for (key, version) in made {
                if !all.insert((key, version)) {
                    return Err(Violation::VersionReused { key: key.clone(), version: version.clone() });
                }
            }
        }
        Ok(Self(all))
    }
}

impl Versions for Answered<'_> {
    fn is_answered(&self, key: &Key, version: &RawVersion) -> bool {
        self.0.contains(&(key, version))
    }
}

/// Keys that transactions have joined, with their operations; every other key for itself.
fn groups(history: &History) -> Vec<(Vec<Key>, Vec<&Entry>)> {
    let mut leader: BTreeMap<&Key, &Key> = BTreeMap::new();
    for entry in &history.entries {
        let joined: BTreeSet<&Key> =
            entry.call.keys().map(|key| leader.get(key).copied().unwrap_or(key)).collect();
        let Some(first) = joined.first().copied() else { continue };
        for key in entry.call.keys() {
            leader.entry(key).or_insert(first);
        }
        if joined.len() > 1 {
            for lead in leader.values_mut().filter(|lead| joined.contains(**lead)) {
                *lead = first;
            }
        }
    }
    let mut entries: HashMap<&Key, Vec<&Entry>> = HashMap::new();
    for entry in &history.entries {
        if let Some(lead) = entry.call.keys().next().and_then(|key| leader.get(key)) {
            entries.entry(lead).or_default().push(entry);
        }
    }
    let mut groups: BTreeMap<&Key, Vec<Key>> = BTreeMap::new();
    for (key, lead) in leader {
        groups.entry(lead).or_default().push(key.clone());
    }
    let of = |lead| entries.get(lead).cloned().unwrap_or_default();
    groups.into_iter().map(|(lead, keys)| (keys, of(lead))).collect()
}
