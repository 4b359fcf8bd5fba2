//! Counters and batches of items in a storm.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use skyport_core::kv::Table;
use skyport_core::{BoxError, ErrorKind};

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![an_increment_counts_once_or_nobody_knows, batches_of_items_tell_the_truth_of_each,];

const WORKERS: usize = 5;
const INCREMENTS: usize = 24;

async fn an_increment_counts_once_or_nobody_knows(stage: Stage) -> CaseResult {
    let counters: Table<i64> = stage.table().await?;
    let workers = (0..WORKERS).map(|worker| {
        let counters = counters.clone();
        async move {
            let mut told = Vec::new();
            for n in 0..INCREMENTS {
                let counter = (worker + n) % 2;
                let counted = counters.increment(("p", counter.to_string()), 1).await;
                let fate = Fate::of(&counted, &[ErrorKind::Conflict]);
                told.push((counter, fate, counted.ok()));
            }
            told
        }
    });
    let told = join_all(workers).await.concat();
    stage.line.calm();
    assert_enough(told.iter().map(|(_, fate, _)| *fate));
    for counter in 0..2 {
        let of_it = || told.iter().filter(|(of, ..)| *of == counter);
        let with = |fate| of_it().filter(|(_, told, _)| *told == fate).count() as i64;
        let (done, unknown) = (with(Fate::Done), with(Fate::Unknown));
        let value = counters.get(("p", counter.to_string())).await?.map_or(0, |entry| entry.into_value());
        let may = done..=done + unknown;
        assert!(may.contains(&value), "{done} were acknowledged, {unknown} are in doubt, {value} stands");
        let values: Vec<i64> = of_it().filter_map(|(.., value)| *value).collect();
        let different: BTreeSet<i64> = values.iter().copied().collect();
        assert_eq!(different.len(), values.len(), "two increments were told one value: {values:?}");
        assert!(different.iter().all(|told| (1..=value).contains(told)), "{different:?}, and {value} stands");
    }
    Ok(Outcome::Passed)
}

/// What may stand under each key.
type May = HashMap<String, Vec<Option<String>>>;

const ITEMS: usize = 30;

async fn batches_of_items_tell_the_truth_of_each(stage: Stage) -> CaseResult {
    let table: Table<String> = stage.table().await?;
    let keys: Vec<String> = (0..ITEMS).map(|n| format!("{n:02}")).collect();
    let mut may: May = keys.iter().map(|key| (key.clone(), vec![None])).collect();
    let mut all = Vec::new();
    for round in 0..10 {
        let values: Vec<String> = keys.iter().map(|key| format!("{key} in round {round}")).collect();
        if round % 3 == 2 {
            let deleted = table.delete_many(keys.iter().map(|key| ("p", key))).await;
            let fates: Vec<Fate> =
                deleted.iter().map(|told| Fate::of(told, &[ErrorKind::Conflict])).collect();
            note(&mut may, &keys, &fates, |_| None);
            all.extend(fates);
        } else {
            let put = table.put_many(keys.iter().map(|key| ("p", key)).zip(&values)).await;
            let fates: Vec<Fate> = put.iter().map(|told| Fate::of(told, &[ErrorKind::Conflict])).collect();
            note(&mut may, &keys, &fates, |at| Some(values[at].clone()));
            all.extend(fates);
        }
        // Some of them cannot be read; what is read is true.
        let read = table.get_many(keys.iter().map(|key| ("p", key))).await;
        assert_eq!(read.len(), ITEMS);
        for (key, read) in keys.iter().zip(read) {
            match read {
                Ok(entry) => assert_may(&may, key, entry.map(|entry| entry.into_value())),
                Err(error) => assert_told(&error, &[]),
            }
        }
    }
    stage.line.calm();
    compare(&table, &keys, &may).await?;
    assert_enough(all);
    Ok(Outcome::Passed)
}

fn note(may: &mut May, keys: &[String], fates: &[Fate], written: impl Fn(usize) -> Option<String>) {
    assert_eq!(keys.len(), fates.len());
    for (at, (key, fate)) in keys.iter().zip(fates).enumerate() {
        let may = may.entry(key.clone()).or_default();
        match fate {
            Fate::Done => *may = vec![written(at)],
            Fate::Unknown => may.push(written(at)),
            Fate::Refused | Fate::Declined => {}
        }
    }
}

#[track_caller]
fn assert_may(may: &May, key: &str, stands: Option<String>) {
    assert!(may[key].contains(&stands), "{stands:?} stands under {key}, where there may be {:?}", may[key]);
}

/// One by one, and all by a query.
async fn compare(table: &Table<String>, keys: &[String], may: &May) -> Result<(), BoxError> {
    let mut there = Vec::new();
    for key in keys {
        let stands = table.get(("p", key)).await?.map(|entry| entry.into_value());
        assert_may(may, key, stands.clone());
        there.extend(stands);
    }
    let queried = table.query("p").collect().await?;
    let queried: Vec<String> = queried.into_iter().map(|entry| entry.into_value()).collect();
    assert_eq!(queried, there);
    Ok(())
}
