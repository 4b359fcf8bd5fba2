//! A table: an item of some fields, 200 bytes as JSON.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use skyport_core::kv::{Table, Version};
use skyport_measure::{Group, Outcome};
use tokio::runtime::Runtime;

use super::{expect, metrics, side};
use crate::place::{Place, unique};

/// How many items a query reads.
const QUERIED: usize = 25;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    customer: String,
    lines: Vec<u32>,
    note: String,
    paid: bool,
}

/// Both sides' tables: one, each with items of its own.
struct Sides {
    ours: Table<Order>,
    raw: aws_sdk_dynamodb::Client,
    name: String,
    order: Order,
    /// The raw side's versions: numbers, of which none comes twice.
    next: Cell<u64>,
}

pub(super) fn measure(group: &mut Group, place: &Place, runtime: &Runtime) -> Outcome {
    let sides = runtime.block_on(Sides::new(place))?;
    get(group, runtime, &sides)?;
    put(group, runtime, &sides)?;
    put_if_version(group, runtime, &sides)?;
    query(group, runtime, &sides)?;
    delete(group, runtime, &sides)
}

async fn nothing() -> Outcome {
    Ok(())
}

fn get(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| {
        let entry = sides.ours.get(("ours", "00")).await?.ok_or("no item")?;
        expect(&*entry, &sides.order)
    };
    let raw = async |()| expect(&sides.get_raw("00").await?.0, &sides.order);
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/kv/get",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-dynamodb", plan, runtime, nothing, raw)],
    )
}

fn put(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| {
        sides.ours.put(("ours", "put"), &sides.order).await?;
        Ok(())
    };
    let raw = async |()| sides.put_raw("put", None).await.map(drop);
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/kv/put",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-dynamodb", plan, runtime, nothing, raw)],
    )
}

fn put_if_version(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let (seen, seen_raw) = runtime.block_on(async {
        let seen: Version = sides.ours.put(("ours", "cas"), &sides.order).await?;
        Outcome::Ok((RefCell::new(seen), RefCell::new(sides.put_raw("cas", None).await?)))
    })?;
    let ours = async |version: Version| {
        seen.replace(sides.ours.put(("ours", "cas"), &sides.order).if_version(&version).await?);
        Ok(())
    };
    let raw = async |version: String| {
        seen_raw.replace(sides.put_raw("cas", Some(version)).await?);
        Ok(())
    };
    let ours = side("skyport", plan, runtime, async || Ok(seen.borrow().clone()), ours);
    let raw = side("aws-sdk-dynamodb", plan, runtime, async || Ok(seen_raw.borrow().clone()), raw);
    group.contest("single/kv/put-if-version", metrics(), plan, ours, vec![raw])
}

fn query(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let ours = async |()| {
        let page = sides.ours.query("ours").range("0".."9").page().await?;
        expect(page.entries.len(), QUERIED)
    };
    let raw = async |()| expect(sides.query_raw().await?.len(), QUERIED);
    let ours = side("skyport", plan, runtime, nothing, ours);
    group.contest(
        "single/kv/query",
        metrics(),
        plan,
        ours,
        vec![side("aws-sdk-dynamodb", plan, runtime, nothing, raw)],
    )
}

fn delete(group: &mut Group, runtime: &Runtime, sides: &Sides) -> Outcome {
    let plan = group.plan();
    let there_ours = async || {
        sides.ours.put(("ours", "doomed"), &sides.order).await?;
        Ok(())
    };
    let there_raw = async || sides.put_raw("doomed", None).await.map(drop);
    let ours = async |()| Ok(sides.ours.delete(("ours", "doomed")).await?);
    let raw = async |()| {
        let delete = sides.raw.delete_item().table_name(&sides.name).set_key(Some(key("doomed")));
        delete.send().await?;
        Ok(())
    };
    let ours = side("skyport", plan, runtime, there_ours, ours);
    let raw = side("aws-sdk-dynamodb", plan, runtime, there_raw, raw);
    group.contest("single/kv/delete", metrics(), plan, ours, vec![raw])
}

fn key(sort: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S("raw".to_owned())),
        ("sk".to_owned(), AttributeValue::S(sort.to_owned())),
    ])
}

/// The value and its version.
fn read(item: &HashMap<String, AttributeValue>) -> Outcome<(Order, String)> {
    let value = item.get("v").and_then(|value| value.as_b().ok()).ok_or("no value")?;
    let version = item.get("w").and_then(|version| version.as_s().ok()).ok_or("no version")?;
    Ok((serde_json::from_slice(value.as_ref())?, version.clone()))
}

impl Sides {
    async fn new(place: &Place) -> Outcome<Self> {
        let name = unique("single");
        place.create("dynamodb", &name).await?;
        let order = Order {
            customer: "ada@example.com".to_owned(),
            lines: (0..16).collect(),
            note: "leave it at the door, please; ".repeat(3),
            paid: true,
        };
        let raw = aws_sdk_dynamodb::Client::new(&place.raw().await);
        let sides = Self { ours: place.table(&name)?, raw, name, order, next: Cell::new(0) };
        for at in 0..QUERIED {
            let sort = format!("{at:02}");
            sides.ours.put(("ours", sort.as_str()), &sides.order).await?;
            sides.put_raw(&sort, None).await?;
        }
        Ok(sides)
    }

    async fn get_raw(&self, sort: &str) -> Outcome<(Order, String)> {
        let get = self.raw.get_item().table_name(&self.name).set_key(Some(key(sort))).consistent_read(true);
        read(&get.projection_expression("v, w, u").send().await?.item.ok_or("no item")?)
    }

    /// Gives the item's new version.
    async fn put_raw(&self, sort: &str, seen: Option<String>) -> Outcome<String> {
        self.next.set(self.next.get() + 1);
        let version = format!("{:040x}", self.next.get());
        let value = Blob::new(serde_json::to_vec(&self.order)?);
        let mut put = self
            .raw
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key(sort)))
            .update_expression("SET v = :v, w = :w REMOVE u, exp")
            .expression_attribute_values(":v", AttributeValue::B(value))
            .expression_attribute_values(":w", AttributeValue::S(version.clone()));
        if let Some(seen) = seen {
            put = put
                .condition_expression("w = :seen AND (attribute_not_exists(u) OR u > :now)")
                .expression_attribute_values(":seen", AttributeValue::S(seen))
                .expression_attribute_values(":now", AttributeValue::N(now()?.to_string()));
        }
        put.send().await?;
        Ok(version)
    }

    async fn query_raw(&self) -> Outcome<Vec<(String, Order, String)>> {
        let query = self
            .raw
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :p AND sk BETWEEN :low AND :high")
            .filter_expression("attribute_not_exists(u) OR u > :now")
            .projection_expression("sk, v, w, u")
            .limit(101)
            .expression_attribute_values(":p", AttributeValue::S("raw".to_owned()))
            .expression_attribute_values(":low", AttributeValue::S("0".to_owned()))
            .expression_attribute_values(":high", AttributeValue::S("9".to_owned()))
            .expression_attribute_values(":now", AttributeValue::N(now()?.to_string()));
        let items = query.send().await?.items.unwrap_or_default();
        let one = |mut item: HashMap<String, AttributeValue>| {
            let (order, version) = read(&item)?;
            match item.remove("sk") {
                Some(AttributeValue::S(sort)) => Ok((sort, order, version)),
                _ => Err("no sort key".into()),
            }
        };
        items.into_iter().map(one).collect()
    }
}

/// Milliseconds since 1970, against which items expire.
fn now() -> Outcome<u128> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())
}
