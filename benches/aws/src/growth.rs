//! How costs grow, against the sink: with the parts of an upload, and with gets at once.

use std::cell::RefCell;
use std::time::Instant;

use futures_util::{TryStreamExt, stream};
use skyport_core::blob::Bucket;
use skyport_core::{Body, Error};
use skyport_measure::{Curve, Group, Line, Outcome, Point, Sample, Scale};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread};
use crate::single::expect;
use crate::sink::Sink;

/// Bytes of a part, and of what the source gives at once.
const PART: usize = 8 << 20;
const CHUNK: usize = 1 << 20;

/// Both curves.
///
/// # Errors
/// What an operation fails with.
pub fn measure(group: &mut Group) -> Outcome {
    if !group.wants("parts") && !group.wants("gets") {
        return Ok(());
    }
    let (sink, runtime) = (Sink::start()?, one_thread()?);
    let bucket = Place::at(sink.endpoint.clone()).bucket("bench")?;
    if group.wants("parts") {
        parts(group, &runtime, &bucket)?;
    }
    if group.wants("gets") {
        gets(group, &runtime, &bucket)?;
    }
    Ok(())
}

fn parts(group: &mut Group, runtime: &Runtime, bucket: &Bucket) -> Outcome {
    let most = group.plan().pick(1_000, 30);
    let mut points = Vec::new();
    for count in [2, 10, 30, 100, 300, 1_000].into_iter().filter(|count| *count <= most) {
        let mut took = Vec::new();
        // What is short is disturbed more easily.
        for _ in 0..group.plan().pick((600 / count).clamp(2, 15), 3) {
            let began = Instant::now();
            runtime.block_on(upload(bucket, count))?;
            took.push(began.elapsed().as_secs_f64() * 1e3 / count as f64);
        }
        points.push(Point { at: count as f64, took: Sample::of(took) });
    }
    group.curve(Curve {
        name: "parts".to_owned(),
        title: "An upload in parts".to_owned(),
        along: "parts of 8 MiB".to_owned(),
        up: "ms a part".to_owned(),
        expected: "flat: a part costs its own bytes, however many went before it".to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.25,
        lines: vec![Line { name: "skyport".to_owned(), points, exponent: 0.0 }],
    });
    Ok(())
}

async fn upload(bucket: &Bucket, parts: usize) -> Outcome {
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    let bytes = parts * PART;
    let source = stream::iter((0..bytes / CHUNK).map(|_| Ok::<_, Error>(&ZEROS[..])));
    bucket.put(&format!("parts-{bytes}"), Body::from_stream(source).with_len(bytes as u64)).await?;
    Ok(())
}

fn gets(group: &mut Group, runtime: &Runtime, bucket: &Bucket) -> Outcome {
    let (rounds, operations) = group.plan().pick((9, 4_096), (3, 512));
    let (mut each, mut latency) = (Vec::new(), Vec::new());
    for at_once in [1, 4, 16, 64, 256] {
        let (mut of_each, mut of_latency) = (Vec::new(), Vec::new());
        // The first makes the connections.
        for round in 0..=rounds {
            let began = Instant::now();
            let median = runtime.block_on(get_at_once(bucket, at_once, operations))?;
            let all = began.elapsed();
            if round > 0 {
                of_each.push(all.as_secs_f64() * 1e6 / operations as f64);
                of_latency.push(median);
            }
        }
        each.push(Point { at: at_once as f64, took: Sample::of(of_each) });
        latency.push(Point { at: at_once as f64, took: Sample::of(of_latency) });
    }
    let curve = |name: &str, up: &str, expected: &str, points, exponent| Curve {
        name: format!("gets-{name}"),
        title: "Gets of 1 KiB at once, on one thread".to_owned(),
        along: "gets at once".to_owned(),
        up: up.to_owned(),
        expected: expected.to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.25,
        lines: vec![Line { name: "skyport".to_owned(), points, exponent }],
    };
    group.curve(curve(
        "time",
        "us a get, all time over all gets",
        "flat, or falling: one alone waits for the network, and several share one thread",
        each,
        0.0,
    ));
    group.curve(curve(
        "latency",
        "us, the median get",
        "in step, once the thread is busy: each waits for those before it",
        latency,
        1.0,
    ));
    Ok(())
}

/// So many gets, some of them at once; the median of how long each took, in microseconds.
async fn get_at_once(bucket: &Bucket, at_once: usize, operations: usize) -> Outcome<f64> {
    let times = RefCell::new(Vec::with_capacity(operations));
    let get = async |()| {
        let began = Instant::now();
        expect(bucket.get("small-1024").bytes().await?.len(), 1_024)?;
        times.borrow_mut().push(began.elapsed().as_secs_f64() * 1e6);
        Ok(())
    };
    stream::iter((0..operations).map(|_| Outcome::Ok(()))).try_for_each_concurrent(at_once, get).await?;
    Ok(Sample::of(times.into_inner()).median)
}
