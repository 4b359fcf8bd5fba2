//! Limits as tables.

use std::fmt::Write as _;

use skyport_core::blob::BlobLimits;
use skyport_core::kv::port::TableLimits;
use skyport_core::queue::QueueLimits;

use crate::amount::{bytes, count, size, time};
use crate::port::{Limits, Opened};
use crate::table::head;

/// A row: what it is, and how large.
type Row = (&'static str, String);

/// A row for each limit, a column for each provider.
pub(crate) fn table(opened: &[Opened]) -> String {
    let mut table = head(opened);
    let columns: Vec<Vec<Row>> = opened.iter().map(|opened| rows(&opened.limits)).collect();
    let Some(first) = columns.first() else { return table };
    for (at, (what, _)) in first.iter().enumerate() {
        let _ = write!(table, "| {what} |");
        for column in &columns {
            let _ = write!(table, " {} |", column.get(at).map_or("", |(_, limit)| limit));
        }
        table.push('\n');
    }
    table
}

fn rows(limits: &Limits) -> Vec<Row> {
    match limits {
        Limits::Blob(limits) => blob(limits),
        Limits::Queue(limits) => queue(limits),
        Limits::Kv(limits) => kv(limits),
    }
}

fn blob(limits: &BlobLimits) -> Vec<Row> {
    vec![
        ("largest object", size(limits.object_bytes)),
        ("largest object that is streamed up", size(limits.upload_bytes())),
        ("a part, and the most of one request", part(limits)),
        ("parts of an upload", count(limits.parts as usize)),
        ("parts at once", count(limits.part_concurrency)),
        ("atomic copy", size(limits.copy_bytes)),
        ("key", bytes(limits.key_bytes)),
        ("user metadata", bytes(limits.metadata_bytes)),
        ("entries of a page", count(limits.page_entries)),
        ("life of a signed URL", time(limits.signed_for)),
    ]
}

/// The size of the parts, or how it grows.
fn part(limits: &BlobLimits) -> String {
    let first = size(limits.part_bytes as u64);
    match limits.parts_of_a_size {
        0 => first,
        same => format!(
            "{first}, doubled every {} parts, to {}",
            count(same as usize),
            size(limits.largest_part_bytes as u64)
        ),
    }
}

fn queue(limits: &QueueLimits) -> Vec<Row> {
    vec![
        ("body", size(limits.body_bytes as u64)),
        ("attributes", count(limits.attributes)),
        ("value of an attribute", bytes(limits.attribute_bytes)),
        ("delay, and `retry(after)`", time(limits.delay)),
        ("lease", time(limits.lease)),
        ("messages of one request to receive", count(limits.receive)),
    ]
}

fn kv(limits: &TableLimits) -> Vec<Row> {
    vec![
        ("value", size(limits.value_bytes as u64)),
        ("partition key", bytes(limits.partition_bytes)),
        ("sort key", bytes(limits.sort_bytes)),
        ("writes of a transaction", count(limits.transact_items)),
        ("values of a transaction", size(limits.transact_bytes as u64)),
        ("items of a page", count(limits.page_items)),
    ]
}
