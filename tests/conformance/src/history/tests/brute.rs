//! Another checker, which tries every order of every choice of operations; and random histories, on which both must agree.

use fastrand::Rng;

use super::super::model::{State, Versions};
use super::super::{Checker, Violation};
use super::*;

/// What the model asks of the history, looked up the slow way.
struct Slow<'h>(&'h History);

impl Versions for Slow<'_> {
    fn is_answered(&self, key: &Key, version: &RawVersion) -> bool {
        self.0.entries.iter().any(|entry| match (&entry.call, &entry.answer) {
            (Call::Write(writes), Answer::Written(made)) => writes
                .iter()
                .zip(made)
                .any(|(write, made)| write.key == *key && made.as_ref() == Some(version)),
            _ => false,
        })
    }
}

/// Whether some order of all that is certain, and of any of the rest, explains the history. Of one write the repetitions come beside it.
fn has_an_order(history: &History) -> bool {
    let mut all: Vec<Entry> = Vec::new();
    for entry in &history.entries {
        all.push(entry.clone());
        for _ in 0..entry.repeats {
            all.push(Entry { answer: Answer::Unknown, ..entry.clone() });
        }
    }
    // A repetition ends with the answer; what is of unknown fate itself never does.
    let mains: Vec<usize> = {
        let mut at = 0;
        history
            .entries
            .iter()
            .map(|entry| {
                let main = at;
                at += 1 + entry.repeats as usize;
                main
            })
            .collect()
    };
    let ends: Vec<u64> = (0..all.len())
        .map(|at| match all[at].answered {
            Some(answered) if all[at].is_certain() || !mains.contains(&at) => answered,
            _ => u64::MAX,
        })
        .collect();
    let certain: Vec<bool> = (0..all.len()).map(|at| mains.contains(&at) && all[at].is_certain()).collect();
    explore(history, &all, &ends, &certain, &mut Vec::new(), &State::default())
}

fn explore(
    history: &History,
    all: &[Entry],
    ends: &[u64],
    certain: &[bool],
    order: &mut Vec<usize>,
    state: &State,
) -> bool {
    if (0..all.len()).all(|at| !certain[at] || order.contains(&at)) {
        return true;
    }
    for next in 0..all.len() {
        // Whatever is placed already must not have been called after this one ended.
        if order.contains(&next) || order.iter().any(|before| ends[next] < all[*before].called) {
            continue;
        }
        let Some(after) = state.after(&all[next].call, &all[next].answer, &Slow(history)) else { continue };
        order.push(next);
        if explore(history, all, ends, certain, order, &after) {
            return true;
        }
        order.pop();
    }
    false
}

/// A history that happened: operations at random instants, on a model with a clock; and then, perhaps, a lie.
fn happened(random: &mut Rng) -> History {
    let operations = random.usize(2..=6);
    let mut instants: Vec<(u64, u64)> = (0..operations)
        .map(|_| {
            let called = random.u64(0..60);
            (called, called + 1 + random.u64(0..30))
        })
        .collect();
    instants.sort_unstable();
    // Each takes effect somewhere within; instants are made unique by their place.
    let mut effects: Vec<(u64, usize)> = Vec::new();
    for (place, (called, answered)) in instants.iter().enumerate() {
        effects.push((random.u64(called * 10..=answered * 10), place));
    }
    effects.sort_unstable();
    let mut table = Table::default();
    let mut entries: Vec<Option<Entry>> = vec![None; operations];
    for (_, place) in effects {
        let (called, answered) = instants[place];
        let call = any_call(random, &table);
        let answer = table.apply(&call);
        let lost = random.u8(0..4) == 0 && !matches!(call, Call::Read(_));
        let answer = if lost { Answer::Unknown } else { answer };
        let repeats = u32::from(random.u8(0..8) == 0 && matches!(call, Call::Write(_)));
        let (called, answered) = (called * 100 + place as u64, answered * 100 + 50 + place as u64);
        entries[place] = Some(Entry { call, called, answered: Some(answered), answer, repeats });
    }
    let mut history = History { entries: entries.into_iter().flatten().collect() };
    if random.bool() {
        lie(random, &mut history);
    }
    history
}

/// A table that serves one after the other.
#[derive(Default)]
struct Table {
    items: std::collections::BTreeMap<Key, (String, String)>,
    versions: u32,
}

impl Table {
    fn fresh(&mut self) -> String {
        self.versions += 1;
        format!("v{}", self.versions)
    }

    fn apply(&mut self, call: &Call) -> Answer {
        match call {
            Call::Read(key) => match self.items.get(key) {
                Some((value, at)) => found(value, at),
                None => NOTHING,
            },
            Call::Increment(key, by) => {
                let before = self.items.get(key).map_or(Ok(0), |(value, _)| value.parse::<i64>());
                let Ok(before) = before else { return Answer::Refused(ErrorKind::InvalidArgument, None) };
                let at = self.fresh();
                self.items.insert(key.clone(), ((before + by).to_string(), at.clone()));
                counted(before + by, &at)
            }
            Call::Write(writes) => {
                for (place, write) in writes.iter().enumerate() {
                    let there = self.items.get(&write.key);
                    match &write.condition {
                        ItemCondition::IfAbsent if there.is_some() => {
                            return Answer::Refused(ErrorKind::AlreadyExists, Some(place));
                        }
                        ItemCondition::IfVersion(at) if there.is_none_or(|(_, v)| v != at.as_str()) => {
                            return Answer::Refused(ErrorKind::PreconditionFailed, Some(place));
                        }
                        _ => {}
                    }
                }
                let made = writes.iter().map(|write| match &write.change {
                    skyport_core::kv::port::Change::Put { value, .. } => {
                        let at = self.fresh();
                        let value = String::from_utf8_lossy(value).into_owned();
                        self.items.insert(write.key.clone(), (value, at.clone()));
                        Some(version(&at))
                    }
                    _ => {
                        self.items.remove(&write.key);
                        None
                    }
                });
                Answer::Written(made.collect())
            }
        }
    }
}

fn any_call(random: &mut Rng, table: &Table) -> Call {
    let name = *random.choice(&["a", "b"]).unwrap_or(&"a");
    // Few values: writes must be mistaken for each other where they can be.
    let value = random.u8(0..3).to_string();
    let seen = format!("v{}", random.u32(1..=table.versions + 1));
    match random.u8(0..9) {
        0 | 1 => read(name),
        2 => put(name, &value),
        3 => create(name, &value),
        4 => swap(name, &value, &seen),
        5 => delete(name),
        6 | 7 => increment(name, 1),
        _ => Call::Write(vec![
            put_write("a", &value, if random.bool() { ItemCondition::IfAbsent } else { ItemCondition::None }),
            put_write("b", &value, ItemCondition::None),
        ]),
    }
}

/// Changes one answer, or one time.
fn lie(random: &mut Rng, history: &mut History) {
    let versions = history.entries.len() as u32;
    let at = random.usize(0..history.entries.len());
    let entry = &mut history.entries[at];
    let seen = format!("v{}", random.u32(1..=versions + 1));
    match (&entry.call, random.u8(0..3)) {
        (_, 0) => entry.answered = Some(entry.called + 1),
        (Call::Read(_), 1) => entry.answer = NOTHING,
        (Call::Read(_), _) => entry.answer = found(&random.u8(0..3).to_string(), &seen),
        (Call::Increment(..), _) => entry.answer = counted(random.i64(1..4), "v90"),
        (Call::Write(writes), 1) => entry.answer = Answer::Written(vec![None; writes.len()]),
        (Call::Write(_), _) => entry.answer = if random.bool() { EXISTS } else { CHANGED },
    }
}

#[test]
fn it_agrees_with_one_that_tries_every_order() {
    let (mut stood, mut fell) = (0, 0);
    for seed in 0..6_000 {
        let history = happened(&mut Rng::with_seed(seed));
        let expected = has_an_order(&history);
        let told = match Checker::default().check(&history) {
            Ok(_) => true,
            Err(Violation::NotLinearizable { .. }) => false,
            Err(other) => panic!("seed {seed}: {other}"),
        };
        assert_eq!(told, expected, "seed {seed}:\n{history}");
        if told { stood += 1 } else { fell += 1 }
    }
    assert!(stood > 1_000 && fell > 1_000, "both must be tried: {stood} stood and {fell} fell");
}
