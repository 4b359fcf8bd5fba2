//! The same seed is the same run of a whole application under chaos: requests, queues, events of buckets and schedules.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use skyport::memory::{Called, Chaos, Determined, Injected};
use skyport::prelude::*;
use skyport::testing::{Test, start};

#[derive(Resources)]
struct Press {
    submissions: Queue<String>,
    printed: Bucket,
    pages: Table<i64>,
}

async fn submit(request: Request, cx: Context<Press>) -> Result<StatusCode> {
    cx.submissions.send(&request.text().await?).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn print(batch: Batch<String>, cx: Context<Press>) -> Result<Outcomes> {
    let print = |page: Message<String>| {
        let cx = cx.clone();
        async move {
            cx.printed.put(page.value(), page.value().repeat(100)).await?;
            Ok(())
        }
    };
    Ok(batch.each(4, print).await)
}

async fn count(printed: BlobEvent, cx: Context<Press>) -> Result<()> {
    let text = cx.printed.get(&printed.key).text().await?;
    cx.pages.increment("pages", i64::try_from(text.len())?).await?;
    Ok(())
}

async fn tidy(_: ScheduleEvent, cx: Context<Press>) -> Result<()> {
    for object in cx.printed.list().collect(100).await? {
        cx.pages.put(("seen", object.key()), &1).await?;
    }
    Ok(())
}

fn press() -> App<Press> {
    App::new("press")
        .http("submit", route::post("/"), submit)
        .on_batch("print", Press::SUBMISSIONS, print)
        .on_blob_created("count", Press::PRINTED, count)
        .on_schedule("tidy", "* * * * *", tidy)
}

#[derive(Debug, PartialEq)]
struct Run {
    calls: Vec<Called>,
    trace: Vec<Injected>,
    statuses: Vec<u16>,
    pages: i64,
    took: Duration,
}

fn run(seed: u64) -> Run {
    let _determined = Determined::by(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let (test, began): (Test<Press>, _) = (start(press()).await, tokio::time::Instant::now());
        let faults = test.memory().faults();
        faults.unleash(Chaos::seeded(seed).keep_calls());
        let mut statuses = Vec::new();
        for page in 0..12 {
            statuses.push(test.post("/", format!("page-{page}")).await.status().as_u16());
        }
        test.advance(Duration::from_secs(200)).await;
        let (calls, trace) = (faults.calls(), faults.trace());
        faults.clear();
        test.settle().await;
        let pages = test.resources().pages.get("pages").await.expect("answers");
        let pages = pages.map_or(0, |item| item.value);
        Run { calls, trace, statuses, pages, took: began.elapsed() }
    })
}

/// As a test of a user has it: in a runtime that is there already.
fn trace(seed: u64) -> Vec<Injected> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let _run = Determined::by(seed);
        let test = start(press()).with_chaos(Chaos::seeded(seed)).await;
        for page in 0..12 {
            drop(test.post("/", format!("page-{page}")).await);
        }
        test.advance(Duration::from_secs(200)).await;
        test.trace()
    })
}

#[test]
fn a_test_with_chaos_has_the_same_trace_each_time_where_its_run_is_determined() {
    let first = trace(7);
    assert!(first.len() > 3, "{first:?}");
    assert_eq!(first, trace(7));
    assert_ne!(first, trace(8));
}

#[test]
fn the_same_seed_is_the_same_run_of_an_application() {
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let (first, second) = (run(seed), run(seed));
        for (one, other) in first.calls.iter().zip(&second.calls) {
            assert_eq!(one, other, "seed {seed}: here the runs part");
        }
        assert_eq!(first, second, "seed {seed}");
        assert!(first.calls.len() > 50 && !first.trace.is_empty(), "seed {seed}: {first:?}");
        assert!(seen.insert(first.calls.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
}
