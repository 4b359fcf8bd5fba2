//! Conditional writes in a storm: one of rivals wins, refusals are true, and what nobody knows is not told as known.

use std::collections::HashMap;

use futures_util::future::join_all;
use skyport_core::blob::Bucket;
use skyport_core::kv::{Table, Update};
use skyport_core::{BoxError, ErrorKind, Result};

use super::stage::{Fate, Stage, assert_enough, assert_told, faulty_cases};
use crate::Outcome;
use crate::case::CaseResult;

faulty_cases![
    of_rivals_that_create_an_object_one_wins_and_refusals_are_true,
    of_rivals_that_copy_to_an_object_one_wins_and_refusals_are_true,
    of_rivals_that_create_an_item_one_wins_and_refusals_are_true,
    no_swap_of_an_object_is_lost_or_made_twice,
    no_swap_of_an_item_is_lost_or_made_twice,
];

const KEYS: usize = 10;
const RIVALS: usize = 4;
const SWAPPERS: usize = 4;
const SWAPS: usize = 10;

/// Holds what stands against what each rival was told. The fate of the key is that of the one that won, where one knows that it has: more than one
/// cannot, and who was refused after a doubt cannot know.
fn judge(key: usize, told: &[Result<()>], stands: Option<&str>) -> Fate {
    let fates: Vec<Fate> =
        told.iter().map(|told| Fate::of(told, &[ErrorKind::AlreadyExists, ErrorKind::Conflict])).collect();
    let winners = fates.iter().filter(|fate| **fate == Fate::Done).count();
    assert!(winners <= 1, "{key}: {told:?}");
    let owner = stands.and_then(|text| text.parse::<usize>().ok());
    assert_eq!(owner.is_some(), stands.is_some(), "{key}: {stands:?} was never written");
    for (rival, (fate, told)) in fates.iter().zip(told).enumerate() {
        let owns = owner == Some(rival);
        match fate {
            Fate::Done => assert!(owns, "{key}: {owner:?} stands, and {rival} was told Ok"),
            Fate::Refused | Fate::Declined => assert!(!owns, "{key}: {rival} stands, and was told {told:?}"),
            Fate::Unknown => {}
        }
        let exists = told.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
        assert!(!exists || owner.is_some(), "{key}: nothing stands, and {rival} was told {told:?}");
    }
    if winners == 1 { Fate::Done } else { Fate::Unknown }
}

async fn of_rivals_that_create_an_object_one_wins_and_refusals_are_true(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    let create = &async |key: usize, rival: usize| {
        bucket.put(&key.to_string(), rival.to_string()).if_absent().await.map(drop)
    };
    let rivals = (0..KEYS).map(|key| join_all((0..RIVALS).map(move |rival| create(key, rival))));
    let told = join_all(rivals).await;
    stage.line.calm();
    judge_objects(&bucket, &told).await
}

async fn of_rivals_that_copy_to_an_object_one_wins_and_refusals_are_true(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    stage.line.calm();
    for rival in 0..RIVALS {
        bucket.put(&format!("source {rival}"), rival.to_string()).await?;
    }
    stage.line.unleash();
    let copy = &async |key: usize, rival: usize| {
        bucket.copy(&format!("source {rival}"), &key.to_string()).if_absent().await.map(drop)
    };
    let rivals = (0..KEYS).map(|key| join_all((0..RIVALS).map(move |rival| copy(key, rival))));
    let told = join_all(rivals).await;
    stage.line.calm();
    judge_objects(&bucket, &told).await
}

async fn judge_objects(bucket: &Bucket, told: &[Vec<Result<()>>]) -> CaseResult {
    let mut fates = Vec::new();
    for (key, told) in told.iter().enumerate() {
        let stands = match bucket.get(&key.to_string()).text().await {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => Some(read?),
        };
        fates.push(judge(key, told, stands.as_deref()));
    }
    assert_enough(fates);
    Ok(Outcome::Passed)
}

async fn of_rivals_that_create_an_item_one_wins_and_refusals_are_true(stage: Stage) -> CaseResult {
    let table: Table<String> = stage.table().await?;
    let create = async |key: usize, rival: usize| {
        let key = ("p", key.to_string());
        table.put(key, &rival.to_string()).if_absent().await.map(drop)
    };
    // An emulator that has just started is slow at first, and the time that a call has is no part of this.
    stage.line.calm();
    table.put(("p", "first"), &String::new()).await?;
    stage.line.unleash();
    let mut told = Vec::new();
    for key in 0..2 * KEYS {
        // Key by key: eighty at once in a storm wait for each other longer than a call may take.
        told.push(join_all((0..RIVALS).map(|rival| create(key, rival))).await);
    }
    stage.line.calm();
    let mut fates = Vec::new();
    for (key, told) in told.iter().enumerate() {
        let stands = table.get(("p", key.to_string())).await?.map(|entry| entry.into_value());
        fates.push(judge(key, told, stands.as_deref()));
    }
    assert_enough(fates);
    Ok(Outcome::Passed)
}

/// Holds a list that grew by swaps against what each swap was told.
fn judge_swaps(told: &[(String, Fate)], list: &[String]) {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for name in list {
        *count.entry(name).or_default() += 1;
    }
    for (name, fate) in told {
        let there = count.remove(name.as_str()).unwrap_or(0);
        let right = match fate {
            Fate::Done => there == 1,
            Fate::Refused | Fate::Declined => there == 0,
            Fate::Unknown => there <= 1,
        };
        assert!(right, "{name} was told {fate:?}, and stands {there} times");
    }
    assert!(count.is_empty(), "{count:?} was never written");
    assert_enough(told.iter().map(|(_, fate)| *fate));
}

async fn no_swap_of_an_object_is_lost_or_made_twice(stage: Stage) -> CaseResult {
    let bucket = stage.bucket().await?;
    stage.line.calm();
    bucket.put("list", "").await?;
    stage.line.unleash();
    let told = join_all((0..SWAPPERS).map(|swapper| swap_objects(&bucket, swapper))).await;
    stage.line.calm();
    let list = bucket.get("list").text().await?;
    let list: Vec<String> = list.split_terminator(';').map(str::to_owned).collect();
    judge_swaps(&told.concat(), &list);
    Ok(Outcome::Passed)
}

async fn swap_objects(bucket: &Bucket, swapper: usize) -> Vec<(String, Fate)> {
    let mut told = Vec::new();
    for swap in 0..2 * SWAPS {
        let object = match bucket.get("list").await {
            Ok(object) => object,
            Err(error) => {
                assert_told(&error, &[ErrorKind::Conflict]);
                continue;
            }
        };
        let etag = object.etag().clone();
        let Ok(text) = object.text().await.inspect_err(|error| assert_told(error, &[ErrorKind::Conflict]))
        else {
            continue;
        };
        let name = format!("{swapper}.{swap}");
        let swapped = bucket.put("list", format!("{text}{name};")).if_match(&etag).await;
        let fate = Fate::of(&swapped, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
        if let Err(error) = &swapped
            && error.kind() == ErrorKind::PreconditionFailed
            && let Ok(now) = bucket.head("list").await
        {
            // The list only grows, so that no content comes again.
            assert_ne!(now.etag, etag, "the content that {name} named still stands: {error:?}");
        }
        told.push((name, fate));
    }
    told
}

async fn no_swap_of_an_item_is_lost_or_made_twice(stage: Stage) -> CaseResult {
    let table: Table<Vec<String>> = stage.table().await?;
    stage.line.calm();
    table.put(("p", "list"), &Vec::new()).await?;
    stage.line.unleash();
    let told = join_all((0..SWAPPERS).map(|swapper| swap_items(&table, swapper))).await;
    let told: Vec<_> = told.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    stage.line.calm();
    let list = table.get(("p", "list")).await?.ok_or("the list is gone")?.into_value();
    judge_swaps(&told, &list);
    Ok(Outcome::Passed)
}

/// By versions, and every other time by an update, which is the same in a loop.
async fn swap_items(table: &Table<Vec<String>>, swapper: usize) -> Result<Vec<(String, Fate)>, BoxError> {
    let mut told = Vec::new();
    for swap in 0..SWAPS {
        let name = format!("{swapper}.{swap}");
        if swap % 2 == 0 {
            let push = |list: Option<Vec<String>>| {
                let mut list = list.unwrap_or_default();
                list.push(name.clone());
                Ok(Update::Put(list))
            };
            let updated = table.update(("p", "list"), push).await;
            let fate = Fate::of(&updated, &[ErrorKind::Conflict]);
            told.push((name, fate));
            continue;
        }
        let entry = match table.get(("p", "list")).await {
            Ok(entry) => entry.ok_or("the list is gone")?,
            Err(error) => {
                assert_told(&error, &[]);
                continue;
            }
        };
        let mut list = entry.value.clone();
        list.push(name.clone());
        let swapped = table.put(("p", "list"), &list).if_version(entry.version()).await;
        let fate = Fate::of(&swapped, &[ErrorKind::PreconditionFailed, ErrorKind::Conflict]);
        if let Err(error) = &swapped
            && error.kind() == ErrorKind::PreconditionFailed
            && let Ok(Some(now)) = table.get(("p", "list")).await
        {
            assert_ne!(
                now.version(),
                entry.version(),
                "the version that {name} named still stands: {error:?}"
            );
        }
        told.push((name, fate));
    }
    Ok(told)
}
