//! A table: one item of 1 KiB, and a page of 100.

use std::cell::RefCell;

use skyport_core::kv::Table;
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{BYTES, PAGE, expect, metrics, nothing, side};
use crate::place::{Place, unique};
use crate::raw::firestore::Firestore;

const RAW: &str = "gcloud-sdk";

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let (plan, name, text) = (group.plan(), unique("single"), &"x".repeat(BYTES - 2));
    let (table, raw): (&Table<String>, _) = (&place.table(&name)?, &Firestore::new(place, &name)?);
    let json = || serde_json::to_vec(text);
    runtime.block_on(async {
        place.create("firestore", &name).await?;
        table.put(("one", "read"), text).await?;
        raw.put("read", json()?, None).await?;
        for at in 0..PAGE {
            table.put(("many", &format!("{at:03}")), text).await?;
        }
        Outcome::Ok(())
    })?;
    let ours = side("skyport", plan, runtime, nothing, async |()| {
        let entry = table.get(("one", "read")).await?.ok_or("no item")?;
        expect(entry.into_value().len(), BYTES - 2)
    });
    let batch = side("gcloud-sdk, BatchGetDocuments", plan, runtime, nothing, async |()| {
        let values = raw.get_many(&["read"]).await?;
        let value = serde_json::from_slice::<String>(values.first().ok_or("no document")?)?;
        expect(value.len(), BYTES - 2)
    });
    let one = side("gcloud-sdk, GetDocument", plan, runtime, nothing, async |()| {
        expect(serde_json::from_slice::<String>(&raw.get("read").await?)?.len(), BYTES - 2)
    });
    group.contest("single/kv/get", metrics(), plan, ours, vec![batch, one])?;

    let ours = side("skyport", plan, runtime, nothing, async |()| {
        table.put(("one", "written"), text).await?;
        Ok(())
    });
    let theirs =
        side(RAW, plan, runtime, nothing, async |()| raw.put("written", json()?, None).await.map(drop));
    group.contest("single/kv/put", metrics(), plan, ours, vec![theirs])?;

    let version = RefCell::new(runtime.block_on(async { table.put(("one", "compared"), text).await })?);
    let time = RefCell::new(runtime.block_on(raw.put("compared", json()?, None))?);
    let ours = side(
        "skyport",
        plan,
        runtime,
        async || Ok(version.borrow().clone()),
        async |last| {
            version.replace(table.put(("one", "compared"), text).if_version(&last).await?);
            Ok(())
        },
    );
    let theirs = side(
        RAW,
        plan,
        runtime,
        async || Ok(*time.borrow()),
        async |last| {
            time.replace(raw.put("compared", json()?, Some(last)).await?);
            Ok(())
        },
    );
    group.contest("single/kv/cas", metrics(), plan, ours, vec![theirs])?;

    pages(group, (table, raw), runtime, text)?;

    let ours = side(
        "skyport",
        plan,
        runtime,
        async || Ok(table.put(("one", "doomed"), text).await.map(drop)?),
        async |()| Ok(table.delete(("one", "doomed")).await?),
    );
    let theirs = side(
        RAW,
        plan,
        runtime,
        async || raw.put("doomed", json()?, None).await.map(drop),
        async |()| raw.delete("doomed").await,
    );
    group.contest("single/kv/delete", metrics(), plan, ours, vec![theirs])
}

/// A query whose partition has a page and no more; by hand the same.
fn pages(
    group: &mut Group,
    sides: (&Table<String>, &Firestore),
    runtime: &Runtime,
    text: &String,
) -> Outcome {
    let (plan, (table, raw)) = (group.plan(), sides);
    let many = raw.beside("many");
    runtime.block_on(async {
        let json = serde_json::to_vec(text)?;
        for at in 0..PAGE {
            many.put(&format!("{at:03}"), json.clone(), None).await?;
        }
        Outcome::Ok(())
    })?;
    let ours = side("skyport", plan, runtime, nothing, async |()| {
        let page = table.query("many").page_size(PAGE).page().await?;
        let bytes: usize = page.entries.iter().map(|entry| entry.value.len()).sum();
        expect((page.entries.len(), bytes), (PAGE, PAGE * (BYTES - 2)))
    });
    let theirs = side(RAW, plan, runtime, nothing, async |()| {
        let values = many.query(PAGE as i32 + 1).await?;
        let mut bytes = 0;
        for value in &values {
            bytes += serde_json::from_slice::<String>(value)?.len();
        }
        expect((values.len(), bytes), (PAGE, PAGE * (BYTES - 2)))
    });
    group.contest("single/kv/query", metrics(), plan, ours, vec![theirs])
}
