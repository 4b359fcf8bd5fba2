//! How costs grow: with the parts of an upload, and with how many gets are under way at once.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::blob::port::PutOptions;
use skyport_core::kv::Table;
use skyport_measure::{Curve, Group, Line, Outcome, Point, Sample, Scale};
use tokio::runtime::Runtime;

use crate::place::{Place, one_thread, unique};
use crate::raw::firestore::Firestore;
use crate::raw::storage::Storage;
use crate::sink::Sink;

/// The least that a session takes in a piece.
const PART: usize = 256 << 10;

/// Both curves.
///
/// # Errors
/// What a side fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let runtime = one_thread()?;
    // Channels belong to the runtime in which they are made.
    let _entered = runtime.enter();
    if group.wants("upload-parts") {
        group.curve(parts(group, &runtime)?);
    }
    if group.wants("get-concurrency") {
        group.curve(concurrency(group, &runtime)?);
    }
    Ok(())
}

/// What one takes, of each number along the axis, in microseconds: the middle one of a few tries.
fn line(
    name: &str,
    at: &[usize],
    tries: usize,
    mut took: impl FnMut(usize) -> Outcome<f64>,
) -> Outcome<Line> {
    let mut points = Vec::with_capacity(at.len());
    for &at in at {
        took(at)?;
        let values = (0..tries).map(|_| took(at)).collect::<Outcome<Vec<_>>>()?;
        points.push(Point { at: at as f64, took: Sample::of(values) });
    }
    Ok(Line { name: name.to_owned(), points, exponent: 0.0 })
}

fn parts(group: &Group, runtime: &Runtime) -> Outcome<Curve> {
    let sink = Sink::start(0)?;
    let (bucket, raw) = (Place::of_storage(sink.url()).bucket("b")?, Storage::new(sink.url(), "b")?);
    let bytes = Bytes::from_static(&[7; PART]);
    let at = group.plan().pick(&[1, 3, 10, 30, 100, 300, 1_000][..], &[1, 10, 100, 1_000][..]);
    let tries = group.plan().pick(9, 3);
    let of = |began: Instant, parts: usize| began.elapsed().as_secs_f64() * 1e6 / parts as f64;
    let ours = line("skyport", at, tries, |parts| {
        runtime.block_on(async {
            let began = Instant::now();
            let upload = bucket.port().start_upload("k", PutOptions::default()).await?;
            for index in 0..u32::try_from(parts)? {
                upload.put_part(index, bytes.clone()).await?;
            }
            upload.complete(u32::try_from(parts)?).await?;
            Ok(of(began, parts))
        })
    })?;
    let by_hand = line("JSON API by hand", at, tries, |parts| {
        runtime.block_on(async {
            let began = Instant::now();
            let session = raw.start("k").await?;
            for index in 0..parts {
                let (from, to) = (index * PART, (index + 1) * PART);
                let total = if index + 1 == parts { to.to_string() } else { "*".to_owned() };
                raw.piece(&session, format!("bytes {from}-{}/{total}", to - 1), bytes.clone()).await?;
            }
            Ok(of(began, parts))
        })
    })?;
    Ok(Curve {
        name: "upload-parts".to_owned(),
        title: "Parts of an upload, 256 KiB each".to_owned(),
        along: "parts".to_owned(),
        up: "us a part".to_owned(),
        expected: "flat, or falling: a part is one request, whatever went before; the session's start is shared by all".to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.25,
        lines: vec![ours, by_hand],
    })
}

fn concurrency(group: &Group, runtime: &Runtime) -> Outcome<Curve> {
    let (place, name, text) = (Place::emulators()?, unique("growth"), "x".repeat(1_022));
    let (table, raw): (Table<String>, _) = (place.table(&name)?, Firestore::new(&place, &name)?);
    runtime.block_on(async {
        place.create("firestore", &name).await?;
        table.put(("p", "one"), &text).await?;
        raw.put("one", serde_json::to_vec(&text)?, None).await
    })?;
    let at = group.plan().pick(&[1, 2, 4, 8, 16, 32, 64, 128, 256][..], &[1, 16, 256][..]);
    let (tries, gets) = (group.plan().pick(5, 3), group.plan().pick(2_048, 512));
    let ours = line("skyport", at, tries, |at_once| {
        let get = async || {
            let entry = table.get(("p", "one")).await?.ok_or("no item")?;
            if entry.value.len() == text.len() { Ok(()) } else { Err("it is another item".into()) }
        };
        runtime.block_on(many(gets, at_once, get))
    })?;
    let by_hand = line("gcloud-sdk", at, tries, |at_once| {
        let get = async || {
            let value = raw.get_many(&["one"]).await?;
            let value: String = serde_json::from_slice(value.first().ok_or("no document")?)?;
            if value.len() == text.len() { Ok(()) } else { Err("it is another document".into()) }
        };
        runtime.block_on(many(gets, at_once, get))
    })?;
    Ok(Curve {
        name: "get-concurrency".to_owned(),
        title: "Gets of Firestore under way at once".to_owned(),
        along: "gets at once".to_owned(),
        up: "us a get".to_owned(),
        expected: "falling until the processors are busy, and flat then: calls share a connection and wait for nothing".to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.0,
        lines: vec![ours, by_hand],
    })
}

/// What one of so many gets takes, with so many of them under way.
async fn many(gets: usize, at_once: usize, get: impl AsyncFn() -> Outcome) -> Outcome<f64> {
    let began = Instant::now();
    stream::iter(0..gets).map(Ok).try_for_each_concurrent(at_once, |_| get()).await?;
    Ok(began.elapsed().as_secs_f64() * 1e6 / gets as f64)
}
