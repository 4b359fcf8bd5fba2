//! Items: put together, and got one by one, since Azure has no read of many.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::codec::Raw;
use skyport_core::kv::Table;
use skyport_measure::{Contender, Group, Outcome};
use tokio::runtime::Runtime;

use super::{BODY, CALLS, metrics, rate, timed};
use crate::place::{Place, unique};
use crate::raw::Tables;

/// There is no maintained SDK of Table Storage.
const RIVAL: &str = "REST by hand";

/// The most that Azure takes in one transaction, all of one partition; and how many are under way at once, as with the provider.
const TOGETHER: usize = 100;
const BATCHES: usize = 8;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    if !["put", "got"].iter().any(|name| group.wants(&format!("many/items/{name}"))) {
        return Ok(());
    }
    let (our_name, their_name) = (unique("ourmany"), unique("theirmany"));
    let ours: Table<Bytes, Raw> = place.table(&our_name)?;
    let raw = place.raw()?.table(place.part("TableEndpoint")?, &their_name);
    runtime.block_on(async {
        place.create("aztable", &our_name).await?;
        place.create("aztable", &their_name).await
    })?;
    let plan = group.plan().at_most(7);
    let count = group.plan().pick(10_000, 400);
    // Of each partition as many as go together.
    let partitions: Vec<(String, Vec<String>)> = (0..count / TOGETHER)
        .map(|partition| (format!("p{partition}"), (0..TOGETHER).map(|row| format!("r{row}")).collect()))
        .collect();
    let contenders = (
        Contender::new("skyport", || runtime.block_on(put(&ours, &partitions))),
        Contender::new(RIVAL, || runtime.block_on(raw_put(&raw, &partitions))),
    );
    group.contest("many/items/put", metrics([""]), plan, contenders.0, vec![contenders.1])?;
    // What was written a moment before keeps Azurite busy with its memory: so both sides' items are there before either's are got.
    runtime.block_on(async {
        put(&ours, &partitions).await?;
        raw_put(&raw, &partitions).await
    })?;
    let contenders = (
        Contender::new("skyport", || runtime.block_on(get(&ours, &partitions))),
        Contender::new(RIVAL, || runtime.block_on(raw_get(&raw, &partitions))),
    );
    group.contest("many/items/got", metrics([""]), plan, contenders.0, vec![contenders.1])
}

fn keys(partitions: &[(String, Vec<String>)]) -> impl Iterator<Item = (&str, &str)> {
    partitions.iter().flat_map(|(partition, rows)| rows.iter().map(move |row| (&**partition, &**row)))
}

async fn put(table: &Table<Bytes, Raw>, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 1]> {
    let body = Bytes::from_static(&BODY);
    let (versions, took) = timed(async {
        let put = table.put_many(keys(partitions).map(|key| (key, &body))).await;
        Ok(put.into_iter().collect::<Result<Vec<_>, _>>()?)
    })
    .await?;
    checked(versions.len(), partitions)?;
    Ok([rate(versions.len(), took)])
}

async fn raw_put(table: &Tables, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 1]> {
    let (etags, took) = timed(async {
        let puts = partitions.iter().map(|(partition, rows)| table.put_together(partition, rows, &BODY));
        stream::iter(puts).buffered(BATCHES).try_collect::<Vec<_>>().await
    })
    .await?;
    let put = etags.iter().map(Vec::len).sum();
    checked(put, partitions)?;
    Ok([rate(put, took)])
}

async fn get(table: &Table<Bytes, Raw>, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 1]> {
    let (found, took) = timed(async {
        let found = table.get_many(keys(partitions)).await;
        Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?)
    })
    .await?;
    let whole = found.iter().flatten().filter(|entry| entry.value[..] == BODY[..]).count();
    checked(whole, partitions)?;
    Ok([rate(whole, took)])
}

async fn raw_get(table: &Tables, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 1]> {
    let (found, took) = timed(async {
        let gets =
            keys(partitions).map(|(partition, row)| async { table.get(partition, row).await?.0.bytes() });
        stream::iter(gets).buffered(CALLS).try_collect::<Vec<Bytes>>().await
    })
    .await?;
    let whole = found.iter().filter(|bytes| bytes[..] == BODY[..]).count();
    checked(whole, partitions)?;
    Ok([rate(whole, took)])
}

fn checked(done: usize, partitions: &[(String, Vec<String>)]) -> Outcome {
    let all: usize = partitions.iter().map(|(_, rows)| rows.len()).sum();
    if done == all { Ok(()) } else { Err(format!("{done} of {all} items").into()) }
}
