//! Items.

use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::kv::Table;
use skyport_measure::{Contender, Group, Outcome};
use tokio::runtime::Runtime;

use super::{rate, text};
use crate::place::{Place, unique};
use crate::raw::firestore::Firestore;

/// What the provider puts into one request, and has under way at once.
const PUT_TOGETHER: usize = 200;
const GOT_TOGETHER: usize = 100;
const AT_ONCE: usize = 4;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime, count: usize) -> Outcome {
    let name = format!("bulk/kv/{count}");
    if !group.wants(&name) {
        return Ok(());
    }
    let (own, text) = (unique("bulk"), text());
    let (table, raw): (Table<String>, _) = (place.table(&own)?, Firestore::new(place, &own)?);
    runtime.block_on(place.create("firestore", &own))?;
    let keys: Vec<String> = (0..count).map(|at| format!("{at:06}")).collect();
    let ours = Contender::new("skyport", || {
        runtime.block_on(async {
            let began = Instant::now();
            for put in table.put_many(keys.iter().map(|key| (("p", key.as_str()), &text))).await {
                put?;
            }
            let put = began.elapsed();
            let began = Instant::now();
            for got in table.get_many(keys.iter().map(|key| ("p", key.as_str()))).await {
                check(got?.ok_or("an item is missing")?.value.len() + 2)?;
            }
            Ok([put, began.elapsed()].map(|time| count as f64 / time.as_secs_f64()))
        })
    });
    let theirs = Contender::new("gcloud-sdk", || {
        runtime.block_on(async {
            let began = Instant::now();
            let puts = keys.chunks(PUT_TOGETHER).map(|keys| {
                let items = keys.iter().map(|key| Ok((key.as_str(), serde_json::to_vec(&text)?)));
                let items = items.collect::<Outcome<Vec<_>>>();
                async { raw.put_many(items?).await }
            });
            let sum = |sum, put| async move { Ok(sum + put) };
            let put: usize = stream::iter(puts).buffered(AT_ONCE).try_fold(0, sum).await?;
            if put != count {
                return Err(format!("{put} of {count} were put").into());
            }
            let put = began.elapsed();
            let began = Instant::now();
            let gets = keys.chunks(GOT_TOGETHER).map(|keys| async {
                let ids: Vec<&str> = keys.iter().map(String::as_str).collect();
                let values = raw.get_many(&ids).await?;
                for value in &values {
                    check(serde_json::from_slice::<String>(value)?.len() + 2)?;
                }
                Ok(values.len())
            });
            let got: usize = stream::iter(gets).buffer_unordered(AT_ONCE).try_fold(0, sum).await?;
            if got != count {
                return Err(format!("{got} of {count} were got").into());
            }
            Ok([put, began.elapsed()].map(|time| count as f64 / time.as_secs_f64()))
        })
    });
    group.contest(&name, [rate("put"), rate("get")], group.plan().at_most(9), ours, vec![theirs])
}

fn check(bytes: usize) -> Outcome {
    if bytes == super::BYTES { Ok(()) } else { Err("an item is not what was put".into()) }
}
