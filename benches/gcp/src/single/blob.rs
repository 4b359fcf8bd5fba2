//! A bucket: an object of 1 KiB, and a page of 100 keys.

use bytes::Bytes;
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BYTES, PAGE, expect, metrics, nothing, side};
use crate::place::{Place, unique};
use crate::raw::storage::Storage;

static BODY: [u8; BYTES] = [7; BYTES];
const RAW: &str = "JSON API by hand";

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let (plan, name, body) = (group.plan(), unique("single"), Bytes::from_static(&BODY));
    let (bucket, raw) = (&place.bucket(&name)?, &Storage::new(&place.storage, &name)?);
    runtime.block_on(async {
        place.create("gs", &name).await?;
        bucket.put("read", body.clone()).await?;
        for at in 0..PAGE {
            bucket.put(&format!("listed/{at:03}"), body.clone()).await?;
        }
        Outcome::Ok(())
    })?;
    let ours = side("skyport", plan, runtime, nothing, async |()| {
        bucket.put("written", body.clone()).await?;
        Ok(())
    });
    let by_hand = side(RAW, plan, runtime, nothing, async |()| {
        raw.put("written-by-hand", body.clone()).await?;
        Ok(())
    });
    group.contest("single/blob/put", metrics(), plan, ours, vec![by_hand])?;

    let ours = side("skyport", plan, runtime, nothing, async |()| {
        expect(bucket.get("read").bytes().await?.len(), BYTES)
    });
    let by_hand = side(RAW, plan, runtime, nothing, async |()| expect(raw.get("read").await?.len(), BYTES));
    group.contest("single/blob/get", metrics(), plan, ours, vec![by_hand])?;

    let ours = side("skyport", plan, runtime, nothing, async |()| {
        expect(bucket.head("read").await?.size, BYTES as u64)
    });
    let by_hand =
        side(RAW, plan, runtime, nothing, async |()| expect(raw.head("read").await?.bytes()?, BYTES as u64));
    group.contest("single/blob/head", metrics(), plan, ours, vec![by_hand])?;

    let ours = side("skyport", plan, runtime, nothing, async |()| {
        expect(bucket.list().prefix("listed/").page_size(PAGE).page().await?.entries.len(), PAGE)
    });
    let by_hand = side(RAW, plan, runtime, nothing, async |()| {
        let mut bytes = 0;
        let page = raw.list("listed/", PAGE).await?;
        for object in &page {
            let told = object.name.starts_with("listed/") && object.time_created.ends_with('Z');
            bytes += if told { object.bytes()? } else { 0 };
        }
        expect((page.len(), bytes), (PAGE, (PAGE * BYTES) as u64))
    });
    group.contest("single/blob/list", metrics(), plan, ours, vec![by_hand])?;

    let doomed = async || raw.put("doomed", body.clone()).await.map(drop);
    let ours = side("skyport", plan, runtime, doomed, async |()| Ok(bucket.delete("doomed").await?));
    let by_hand = side(RAW, plan, runtime, doomed, async |()| raw.delete("doomed").await);
    group.contest("single/blob/delete", metrics(), plan, ours, vec![by_hand])
}
