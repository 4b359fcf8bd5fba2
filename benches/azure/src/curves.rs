//! How costs grow: the parts of an upload, and how many reads are under way at once. On the sink, so that it is the client that grows.

use std::time::Instant;

use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::BlobClientDownloadOptions;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::PutOptions;
use skyport_measure::{Curve, Group, Line, Outcome, Point, Sample, Scale};

use crate::place::{Place, one_thread};
use crate::sink::Sink;

const CONTAINER: &str = "curves";

/// The bytes of a part: how many there are is what grows.
const PART: usize = 64 << 10;

/// How many parts are under way at once: the provider's own number.
const AT_ONCE: usize = 4;

/// How many reads there are at each point.
const READS: usize = 2_048;
const QUICK_READS: usize = 512;

/// Both curves.
///
/// # Errors
/// What an operation fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let sink = Sink::start()?;
    let place = Place::of(&sink.connection_string());
    parts(group, &sink, &place)?;
    concurrency(group, &sink, &place)
}

fn parts(group: &mut Group, sink: &Sink, place: &Place) -> Outcome {
    if !group.wants("parts") {
        return Ok(());
    }
    let (bucket, runtime) = (place.bucket(CONTAINER)?, one_thread()?);
    let counts: &[u32] = group.plan().pick(&[1, 3, 10, 30, 100, 300, 1_000], &[1, 10, 100]);
    runtime.block_on(upload(&bucket, 1))?;
    let mut points = Vec::new();
    for &count in counts {
        let mut took = Vec::new();
        for _ in 0..group.plan().pick(7, 3) {
            let began = Instant::now();
            runtime.block_on(upload(&bucket, count))?;
            took.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(count));
            let (size, expected) = (sink.size(CONTAINER, "parts"), u64::from(count) * PART as u64);
            if size != Some(expected) {
                return Err(format!("an upload of {expected} bytes has left {size:?}").into());
            }
        }
        points.push(Point { at: f64::from(count), took: Sample::of(took) });
    }
    group.curve(Curve {
        name: "parts".to_owned(),
        title: "An upload of many blocks".to_owned(),
        along: "blocks of 64 KiB".to_owned(),
        up: "us a block".to_owned(),
        expected: "flat, and falling at first: a block is one request, and beginning and committing are shared by all".to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.5,
        lines: vec![Line { name: "skyport".to_owned(), points, exponent: 0.0 }],
    });
    Ok(())
}

/// Through the port, where a part may be as small as one likes.
async fn upload(bucket: &Bucket, parts: u32) -> Outcome {
    let upload = bucket.port().start_upload("parts", PutOptions::default()).await?;
    let body = Bytes::from_static(&[b'x'; PART]);
    let sends = stream::iter(0..parts).map(|index| upload.put_part(index, body.clone()));
    sends.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    upload.complete(parts).await?;
    Ok(())
}

fn concurrency(group: &mut Group, sink: &Sink, place: &Place) -> Outcome {
    if !group.wants("concurrency") {
        return Ok(());
    }
    sink.make(CONTAINER, "small", 1_024);
    let bucket = place.bucket(CONTAINER)?;
    let raw = place.raw()?.container(place.part("BlobEndpoint")?, CONTAINER)?;
    let reads = group.plan().pick(READS, QUICK_READS);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for at_once in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..group.plan().pick(5, 3) {
            our_times.push(many(reads, at_once, || read(&bucket))?);
            their_times.push(many(reads, at_once, || raw_read(&raw))?);
        }
        ours.push(Point { at: at_once as f64, took: Sample::of(our_times) });
        theirs.push(Point { at: at_once as f64, took: Sample::of(their_times) });
    }
    let line = |name: &str, points| Line { name: name.to_owned(), points, exponent: 0.0 };
    group.curve(Curve {
        name: "concurrency".to_owned(),
        title: "Reads of 1 KiB, many at once".to_owned(),
        along: "reads at once".to_owned(),
        up: "us a read".to_owned(),
        expected:
            "flat, and falling at first: one thread does all of it, and waits less the more there is to do"
                .to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.5,
        lines: vec![line("skyport", ours), line("azure_storage_blob", theirs)],
    });
    Ok(())
}

/// Microseconds for each of so many. A runtime of their own, so that connections of the point before are not idle beside these.
fn many<F: Future<Output = Outcome>>(count: usize, at_once: usize, one: impl Fn() -> F) -> Outcome<f64> {
    one_thread()?.block_on(async {
        let all = |count| stream::iter(0..count).map(|_| one()).buffer_unordered(at_once);
        // All connections come about.
        all(4 * at_once).try_collect::<()>().await?;
        let began = Instant::now();
        all(count).try_collect::<()>().await?;
        Ok(began.elapsed().as_secs_f64() * 1e6 / count as f64)
    })
}

async fn read(bucket: &Bucket) -> Outcome {
    expect(bucket.get("small").bytes().await?.len())
}

async fn raw_read(raw: &BlobContainerClient) -> Outcome {
    let found = raw.blob_client("small").download(None::<BlobClientDownloadOptions<'_>>).await?;
    expect(found.body.collect().await?.len())
}

fn expect(length: usize) -> Outcome {
    if length == 1_024 { Ok(()) } else { Err(format!("{length} bytes were read").into()) }
}
