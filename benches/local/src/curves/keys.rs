//! A page out of the middle of many keys.

use bytes::Bytes;
use rusqlite::{Connection, params};
use skyport_core::Token;
use skyport_measure::{Group, Outcome, Plan};

use super::{curve, flat, point};
use crate::ours;
use crate::stage::Stage;

const VALUE: Bytes = Bytes::from_static(&[7; 32]);
const FILLED: usize = 10_000;
const PAGE: usize = 100;
const PAGES: usize = 50;

fn sizes(plan: Plan) -> &'static [usize] {
    plan.pick(&[1_000, 10_000, 100_000, 1_000_000], &[1_000, 10_000])
}

fn key(number: usize) -> String {
    format!("object-{number:07}")
}

/// Adds the curve of listing. The index is filled without files, which a list does not look at.
///
/// # Errors
/// What fails while it is measured.
pub fn list(group: &mut Group) -> Outcome {
    if !group.wants("list") {
        return Ok(());
    }
    let stage = Stage::new()?;
    let folder = stage.folder("ours")?;
    let bucket = stage.runtime.block_on(ours::bucket(&folder))?;
    let mut index = Connection::open(folder.join("skyport.db"))?;
    index.busy_timeout(std::time::Duration::from_secs(5))?;
    let (mut points, mut there) = (Vec::new(), 0);
    for &size in sizes(group.plan()) {
        fill(&mut index, there, size)?;
        there = size;
        let list = async || {
            for page in 0..PAGES {
                let listed = bucket.list().start_after(key(size / 2 + page)).page_size(PAGE).page().await?;
                if listed.entries.len() != PAGE {
                    return Err("not the whole page came".into());
                }
            }
            Outcome::Ok(())
        };
        points.push(point(size, PAGES, || stage.runtime.block_on(list()))?);
    }
    group.curve(curve(
        "list",
        "Listing a page of 100 (local)",
        "keys in the bucket",
        "us a page",
        "flat: a page is sought in a tree, which is one level deeper at 1,000,000",
        2.0,
        vec![flat("skyport", points)],
    ));
    Ok(())
}

fn fill(index: &mut Connection, from: usize, to: usize) -> Outcome {
    let transaction = index.transaction()?;
    for number in from..to {
        transaction
            .prepare_cached(
                "INSERT INTO objects (bucket_id, key, content, size, modified, token, properties)
                 SELECT id, ?1, ?2, 1, 0, ?2, '{}' FROM buckets",
            )?
            .execute(params![key(number), Token::new().to_string()])?;
    }
    Ok(transaction.commit()?)
}

/// Adds the curve of queries.
///
/// # Errors
/// What fails while it is measured.
pub fn query(group: &mut Group) -> Outcome {
    if !group.wants("query") {
        return Ok(());
    }
    let stage = Stage::new()?;
    let table = stage.runtime.block_on(ours::table(&stage.folder("ours")?))?;
    let (mut points, mut there, value) = (Vec::new(), 0, VALUE);
    for &size in sizes(group.plan()) {
        while there < size {
            let next = (there + FILLED).min(size);
            let items = (there..next).map(|number| (("partition", key(number)), &value));
            for put in stage.runtime.block_on(table.put_many(items).into_future()) {
                put?;
            }
            there = next;
        }
        let query = async || {
            for page in 0..PAGES {
                let from = key(size / 2 + page);
                let found = table.query("partition").range(from.as_str()..).page_size(PAGE).page().await?;
                if found.entries.len() != PAGE {
                    return Err("not the whole page came".into());
                }
            }
            Outcome::Ok(())
        };
        points.push(point(size, PAGES, || stage.runtime.block_on(query()))?);
    }
    group.curve(curve(
        "query",
        "Querying a page of 100 (local)",
        "items in the partition",
        "us a page",
        "flat: a page is sought in a tree, which is one level deeper at 1,000,000",
        2.0,
        vec![flat("skyport", points)],
    ));
    Ok(())
}
