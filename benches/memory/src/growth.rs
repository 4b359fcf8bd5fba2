//! How costs grow: a page of a listing and of a query with the number of keys, get and put with the number of tasks.

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::codec::Raw;
use skyport_core::kv::Table;
use skyport_measure::{Curve, Group, Line, Outcome, Plan, Point, Sample, Scale};
use tokio::runtime::Runtime;

use crate::timing::{Watch, expect, per_operation, runtime};
use crate::{blobs, tables};

const PAGE: usize = 100;
/// How many pages one value of a sample is the mean of.
const PAGES: usize = 50;
const PARTITION: &str = "all";

/// Measures both kinds of growth.
///
/// # Errors
/// What ours fails with, or that it gave a wrong answer.
pub fn measure(group: &mut Group) -> Outcome {
    if group.wants("growth/keys") {
        group.curve(keys(group.plan())?);
    }
    if group.wants("growth/tasks") {
        group.curve(tasks(group.plan())?);
    }
    Ok(())
}

/// Pages that begin anywhere, of ever more keys.
fn keys(plan: Plan) -> Outcome<Curve> {
    let runtime = runtime(1)?;
    let (bucket, table) =
        (runtime.block_on(blobs::Handle::new())?.0, runtime.block_on(tables::Handle::new())?.0);
    let (mut list, mut query) = (Vec::new(), Vec::new());
    let mut held = 0;
    for count in plan.pick(&[1_000, 10_000, 100_000, 1_000_000][..], &[1_000, 10_000, 100_000]) {
        runtime.block_on(fill(&bucket, &table, held..*count))?;
        held = *count;
        let rounds = plan.pick(31, 7);
        let of = |page: &dyn Fn(usize) -> Outcome| sample(rounds, held, page);
        let took = of(&|start| runtime.block_on(list_page(&bucket, start)))?;
        list.push(Point { at: held as f64, took });
        let took = of(&|start| runtime.block_on(query_page(&table, start)))?;
        query.push(Point { at: held as f64, took });
    }
    let line = |name: &str, points| Line { name: name.to_owned(), points, exponent: 0.0 };
    Ok(Curve {
        name: "keys".to_owned(),
        title: "A page of 100 in memory".to_owned(),
        along: "keys".to_owned(),
        up: "us a page".to_owned(),
        expected: "almost flat: a page is sought in a tree, whose depth grows with the logarithm, and is then read on from there. \
            A thousand keys lie in the processor's cache and a hundred thousand do not: what has to come from memory takes up \
            to six times as long"
            .to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 6.0,
        lines: vec![line("list", list), line("query", query)],
    })
}

/// So many rounds of pages that begin anywhere before the last page: microseconds a page.
fn sample(rounds: usize, held: usize, page: &dyn Fn(usize) -> Outcome) -> Outcome<Sample> {
    let mut values = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let began = Watch::start(1);
        for number in 0..PAGES {
            page((round * PAGES + number) * 7_919 % (held - PAGE))?;
        }
        // The first is to warm up.
        if round > 0 {
            values.push(per_operation(began.elapsed(), PAGES) / 1_000.0);
        }
    }
    Ok(Sample::of(values))
}

fn name(number: usize) -> String {
    format!("key-{number:08}")
}

async fn fill(bucket: &Bucket, table: &Table<Bytes, Raw>, numbers: std::ops::Range<usize>) -> Outcome {
    static BODY: [u8; 64] = [7; 64];
    for number in numbers {
        let key = name(number);
        bucket.put(&key, Bytes::from_static(&BODY)).await?;
        table.put((PARTITION, &key), &Bytes::from_static(&BODY)).await?;
    }
    Ok(())
}

async fn list_page(bucket: &Bucket, start: usize) -> Outcome {
    let page = bucket.list().start_after(name(start)).page_size(PAGE).page().await?;
    expect(page.entries.first().map(|entry| entry.key().to_owned()), Some(name(start + 1)))?;
    expect(page.entries.len(), PAGE)
}

async fn query_page(table: &Table<Bytes, Raw>, start: usize) -> Outcome {
    let start = name(start);
    let page = table.query(PARTITION).range(start.as_str()..).page_size(PAGE).page().await?;
    expect(page.entries.first().map(|entry| entry.key.sort.to_string()), Some(start))?;
    expect(page.entries.len(), PAGE)
}

/// Tasks on two threads that share the same work.
fn tasks(plan: Plan) -> Outcome<Curve> {
    let runtime = runtime(2)?;
    let bucket = runtime.block_on(blobs::Handle::new())?.0;
    let (mut put, mut get) = (Vec::new(), Vec::new());
    for tasks in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        let (mut puts, mut gets) = (Vec::new(), Vec::new());
        for round in 0..=plan.pick(15, 5) {
            let values = (work(&runtime, &bucket, tasks, true)?, work(&runtime, &bucket, tasks, false)?);
            if round > 0 {
                puts.push(values.0);
                gets.push(values.1);
            }
        }
        put.push(Point { at: tasks as f64, took: Sample::of(puts) });
        get.push(Point { at: tasks as f64, took: Sample::of(gets) });
    }
    let line = |name: &str, points| Line { name: name.to_owned(), points, exponent: 0.0 };
    Ok(Curve {
        name: "tasks".to_owned(),
        title: "An operation in memory beside others".to_owned(),
        along: "tasks on two threads".to_owned(),
        up: "ns an operation".to_owned(),
        expected: "flat: a lock is held for the search in the tree alone, and a task that waits for one takes no thread from \
            those that do not; reads of two threads run beside each other"
            .to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 2.0,
        lines: vec![line("put", put), line("get", get)],
    })
}

/// 16,384 operations, divided among the tasks: nanoseconds each.
fn work(runtime: &Runtime, bucket: &Bucket, tasks: usize, puts: bool) -> Outcome<f64> {
    const OPERATIONS: usize = 16_384;
    static BODY: [u8; 1_024] = [7; 1_024];
    let share = OPERATIONS / tasks;
    let began = Watch::start(2);
    runtime.block_on(async {
        let work = |task: usize| {
            let bucket = bucket.clone();
            async move {
                for number in task * share..(task + 1) * share {
                    let key = name(number);
                    if puts {
                        bucket.put(&key, Bytes::from_static(&BODY)).await?;
                    } else {
                        expect(bucket.get(&key).bytes().await?.len(), BODY.len())?;
                    }
                }
                Outcome::Ok(())
            }
        };
        let running: Vec<_> = (0..tasks).map(|task| tokio::spawn(work(task))).collect();
        for task in running {
            task.await??;
        }
        Outcome::Ok(())
    })?;
    Ok(per_operation(began.elapsed(), OPERATIONS))
}
