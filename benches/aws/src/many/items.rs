//! Items of 200 bytes: put, and then got.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use futures_util::{TryStreamExt, stream};
use skyport_core::kv::Table;
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{AT_ONCE, contest, side};
use crate::place::{Place, unique};
use crate::single::expect;

/// What DynamoDB takes in one request.
const WRITES: usize = 25;
const READS: usize = 100;

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    if !group.wants("many/kv") {
        return Ok(());
    }
    let count = group.plan().pick(10_000, 1_000);
    let name = unique("many");
    runtime.block_on(place.create("dynamodb", &name))?;
    let table: Table<String> = place.table(&name)?;
    let client = Client::new(&runtime.block_on(place.raw()));
    let raw = Items { client, table: name };
    let keys: Vec<String> = (0..count).map(|at| format!("{at:05}")).collect();
    let value = "x".repeat(200);
    let ours = side(
        "skyport",
        runtime,
        count,
        async || put_ours(&table, &keys, &value).await,
        async || get_ours(&table, &keys, &value).await,
    );
    let by_hand = side(
        "aws-sdk-dynamodb",
        runtime,
        count,
        async || raw.put(&keys, &value).await,
        async || raw.get(&keys, &value).await,
    );
    contest(group, "many/kv", ["put", "get"], ours, vec![by_hand])
}

async fn put_ours(table: &Table<String>, keys: &[String], value: &String) -> Outcome {
    let items = keys.iter().map(|key| (("ours", key.as_str()), value));
    for put in table.put_many(items).await {
        put?;
    }
    Ok(())
}

async fn get_ours(table: &Table<String>, keys: &[String], value: &String) -> Outcome {
    let got = table.get_many(keys.iter().map(|key| ("ours", key.as_str()))).await;
    expect(got.len(), keys.len())?;
    for entry in got {
        expect(entry?.as_deref(), Some(value))?;
    }
    Ok(())
}

/// The raw side's.
struct Items {
    client: Client,
    table: String,
}

impl Items {
    async fn put(&self, keys: &[String], value: &str) -> Outcome {
        let put = async |batch: &[String]| {
            let write = |key: &String| {
                let mut item = attributes(key);
                item.insert("v".to_owned(), AttributeValue::B(Blob::new(serde_json::to_vec(value)?)));
                item.insert("w".to_owned(), AttributeValue::S(format!("{key:0>40}")));
                item.insert("b".to_owned(), AttributeValue::N("1795744800000".to_owned()));
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Outcome::Ok(WriteRequest::builder().put_request(put).build())
            };
            let writes = batch.iter().map(write).collect::<Outcome<Vec<_>>>()?;
            let written = self.client.batch_write_item().request_items(&self.table, writes).send().await?;
            expect(written.unprocessed_items.unwrap_or_default().len(), 0)
        };
        stream::iter(keys.chunks(WRITES).map(Outcome::Ok)).try_for_each_concurrent(AT_ONCE, put).await
    }

    async fn get(&self, keys: &[String], value: &str) -> Outcome {
        let get = async |batch: &[String]| {
            let wanted = batch.iter().map(|key| attributes(key)).collect();
            let wanted = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true);
            let wanted = wanted.projection_expression("pk, sk, v, w, u").build()?;
            let got = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            expect(got.unprocessed_keys.unwrap_or_default().len(), 0)?;
            let items: Vec<_> = got.responses.unwrap_or_default().into_values().flatten().collect();
            expect(items.len(), batch.len())?;
            for item in items {
                let bytes = item.get("v").and_then(|value| value.as_b().ok()).ok_or("no value")?;
                expect(serde_json::from_slice::<String>(bytes.as_ref())?.as_str(), value)?;
            }
            Ok(())
        };
        stream::iter(keys.chunks(READS).map(Outcome::Ok)).try_for_each_concurrent(AT_ONCE, get).await
    }
}

fn attributes(key: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S("raw".to_owned())),
        ("sk".to_owned(), AttributeValue::S(key.to_owned())),
    ])
}
