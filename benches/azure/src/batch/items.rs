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
        Contender::new("skyport", || runtime.block_on(round(&ours, &partitions))),
        Contender::new("REST by hand", || runtime.block_on(raw_round(&raw, &partitions))),
    );
    group.contest("many/items", metrics(["put", "got"]), plan, contenders.0, vec![contenders.1])
}

async fn round(table: &Table<Bytes, Raw>, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 2]> {
    let body = Bytes::from_static(&BODY);
    let keys =
        || partitions.iter().flat_map(|(partition, rows)| rows.iter().map(move |row| (&**partition, &**row)));
    let (versions, putting) = timed(async {
        let put = table.put_many(keys().map(|key| (key, &body))).await;
        Ok(put.into_iter().collect::<Result<Vec<_>, _>>()?)
    })
    .await?;
    let (found, getting) = timed(async {
        let found = table.get_many(keys()).await;
        Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?)
    })
    .await?;
    let whole = found.iter().flatten().filter(|entry| entry.value[..] == BODY[..]).count();
    checked(whole, versions.len())?;
    Ok([putting, getting].map(|took| rate(whole, took)))
}

async fn raw_round(table: &Tables, partitions: &[(String, Vec<String>)]) -> Outcome<[f64; 2]> {
    let (etags, putting) = timed(async {
        let puts = partitions.iter().map(|(partition, rows)| table.put_together(partition, rows, &BODY));
        stream::iter(puts).buffered(BATCHES).try_collect::<Vec<_>>().await
    })
    .await?;
    let keys = partitions.iter().flat_map(|(partition, rows)| rows.iter().map(move |row| (partition, row)));
    let (found, getting) = timed(async {
        let gets = keys.map(|(partition, row)| async { table.get(partition, row).await?.0.bytes() });
        stream::iter(gets).buffered(CALLS).try_collect::<Vec<Bytes>>().await
    })
    .await?;
    let whole = found.iter().filter(|bytes| bytes[..] == BODY[..]).count();
    checked(whole, etags.iter().map(Vec::len).sum())?;
    Ok([putting, getting].map(|took| rate(whole, took)))
}

fn checked(found: usize, put: usize) -> Outcome {
    if found == put { Ok(()) } else { Err(format!("{put} were put, and {found} found").into()) }
}
