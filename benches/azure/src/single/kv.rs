//! Items of 1 KiB: get, put, put under a condition, a query of ten, delete.

use bytes::Bytes;
use skyport_core::codec;
use skyport_core::kv::{Table, Version};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BODY, expect, metrics, nothing, side};
use crate::place::{Place, unique};
use crate::raw::Tables;

/// There is no maintained SDK of Table Storage.
const RIVAL: &str = "REST by hand";

/// How many items a query finds.
const FOUND: usize = 10;

type Ours = Table<Bytes, codec::Raw>;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let names = ["get", "put", "cas", "query", "delete"];
    if !names.iter().any(|name| group.wants(&format!("one/kv/{name}"))) {
        return Ok(());
    }
    let (our_name, their_name) = (unique("ours"), unique("theirs"));
    let ours: Ours = place.table(&our_name)?;
    let raw = place.raw()?.table(place.part("TableEndpoint")?, &their_name);
    runtime.block_on(async {
        place.create("aztable", &our_name).await?;
        place.create("aztable", &their_name).await?;
        for number in 0..FOUND {
            let key = format!("k{number}");
            ours.put(("many", key.as_str()), &body()).await?;
            raw.put("many", &key, &BODY, None).await?;
        }
        Outcome::Ok(())
    })?;
    write(group, runtime, &ours, &raw)?;
    read(group, runtime, &ours, &raw)?;
    delete(group, runtime, &ours, &raw)
}

fn body() -> Bytes {
    Bytes::from_static(&BODY)
}

async fn put(ours: &Ours) -> Outcome<Version> {
    Ok(ours.put(("one", "k"), &body()).await?)
}

async fn raw_put(raw: &Tables) -> Outcome<String> {
    raw.put("one", "k", &BODY, None).await
}

fn write(group: &mut Group, runtime: &Runtime, ours: &Ours, raw: &Tables) -> Outcome {
    let plan = group.plan();
    let our_put = async |()| put(ours).await;
    let their_put = async |()| raw_put(raw).await;
    let contenders = (
        side("skyport", plan, runtime, async || Ok(()), our_put, nothing),
        side(RIVAL, plan, runtime, async || Ok(()), their_put, nothing),
    );
    group.contest("one/kv/put", metrics(), plan, contenders.0, vec![contenders.1])?;
    let our_cas = async |version: Version| Ok(ours.put(("one", "k"), &body()).if_version(&version).await?);
    let their_cas = async |etag: String| raw.put("one", "k", &BODY, Some(&etag)).await;
    let contenders = (
        side("skyport", plan, runtime, async || put(ours).await, our_cas, nothing),
        side(RIVAL, plan, runtime, async || raw_put(raw).await, their_cas, nothing),
    );
    group.contest("one/kv/cas", metrics(), plan, contenders.0, vec![contenders.1])
}

fn read(group: &mut Group, runtime: &Runtime, ours: &Ours, raw: &Tables) -> Outcome {
    let plan = group.plan();
    let our_get = async |()| Ok(ours.get(("many", "k1")).await?.ok_or("no item")?.into_value());
    let their_get = async |()| raw.get("many", "k1").await?.0.bytes();
    let whole = async |bytes: Bytes| expect(&&bytes[..], &&BODY[..]);
    let contenders = (
        side("skyport", plan, runtime, async || Ok(()), our_get, whole),
        side(RIVAL, plan, runtime, async || Ok(()), their_get, whole),
    );
    group.contest("one/kv/get", metrics(), plan, contenders.0, vec![contenders.1])?;
    let our_query = async |()| {
        let page = ours.query("many").limit(FOUND).page().await?;
        Ok(page.entries.iter().map(|entry| entry.value.len()).collect::<Vec<usize>>())
    };
    let their_query = async |()| {
        let found = raw.query("many", FOUND).await?;
        found.iter().map(|entity| Ok(entity.bytes()?.len())).collect::<Outcome<Vec<usize>>>()
    };
    let all = async |sizes: Vec<usize>| expect(&sizes, &vec![BODY.len(); FOUND]);
    let contenders = (
        side("skyport", plan, runtime, async || Ok(()), our_query, all),
        side(RIVAL, plan, runtime, async || Ok(()), their_query, all),
    );
    group.contest("one/kv/query", metrics(), plan, contenders.0, vec![contenders.1])
}

fn delete(group: &mut Group, runtime: &Runtime, ours: &Ours, raw: &Tables) -> Outcome {
    let plan = group.plan();
    let our_ready = async || put(ours).await.map(drop);
    let their_ready = async || raw_put(raw).await.map(drop);
    let our_delete = async |()| Ok(ours.delete(("one", "k")).await?);
    let their_delete = async |()| raw.delete("one", "k").await;
    let contenders = (
        side("skyport", plan, runtime, our_ready, our_delete, nothing),
        side(RIVAL, plan, runtime, their_ready, their_delete, nothing),
    );
    group.contest("one/kv/delete", metrics(), plan, contenders.0, vec![contenders.1])
}
