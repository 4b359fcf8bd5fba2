//! One large object in as a stream and out again, each contender in a process of its own, which tells how fast it was and what it held in
//! memory beside the object.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use object_store::{MultipartUpload, ObjectStoreExt};
use skyport_core::Body;
use skyport_measure::{Alone, Contender, Group, Metric, Outcome, Target, child, peak_memory};

use crate::blobs::{Handle, InMemory, OpenDal};
use crate::timing::runtime;

/// The pieces in which the source gives its bytes: each has memory of its own, as what comes over a network has.
const PIECE: usize = 1 << 20;
const KEY: &str = "large";
const MEBIBYTE: f64 = (1 << 20) as f64;
/// What every byte is.
const BYTE: u8 = 7;

const CONTENDERS: [(&str, &str); 3] =
    [("skyport", "skyport"), ("object_store", "object_store"), ("opendal", "OpenDAL")];

/// Adds the rows.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan().at_most(7);
    let name = format!("transfer/{}", plan.pick("1GiB", "128MiB"));
    if !group.wants(&name) {
        return Ok(());
    }
    let pieces = plan.pick(1_024, 128).to_string();
    let contender = |(word, name)| {
        let pieces = pieces.as_str();
        Contender::elsewhere(name, move || child(&[word, pieces]))
    };
    let [ours, store, opendal] = CONTENDERS.map(contender);
    let metrics = [
        Metric::new("upload", "MiB/s", Target::AtLeast(1.0)),
        Metric::new("download", "MiB/s", Target::AtLeast(1.0)),
        Metric::new("memory", "MiB", Target::Within(64.0)),
    ];
    group.contest(&name, metrics, plan, ours, vec![store, opendal])
}

/// What a child does, which was started by [`measure`]: MiB a second in and out, and what it held at most beside the object, in MiB.
///
/// # Errors
/// What the contender fails with.
pub fn alone(alone: &Alone) -> Outcome {
    let [who, pieces] = alone.0.as_slice() else {
        return Err("a transfer wants two words".into());
    };
    let pieces: usize = pieces.parse()?;
    let [upload, download] = runtime(1)?.block_on(async {
        match who.as_str() {
            "skyport" => ours(pieces).await,
            "object_store" => object_store(pieces).await,
            "opendal" => opendal(pieces).await,
            other => Err(format!("who is {other}?").into()),
        }
    })?;
    let mebibytes = (pieces * PIECE) as f64 / MEBIBYTE;
    let beside = peak_memory()? as f64 / MEBIBYTE - mebibytes;
    alone.tell(&[mebibytes / upload, mebibytes / download, beside.max(0.0)])
}

fn source(pieces: usize) -> impl Stream<Item = Outcome<Bytes>> {
    stream::iter((0..pieces).map(|_| Ok(Bytes::from(vec![BYTE; PIECE]))))
}

async fn ours(pieces: usize) -> Outcome<[f64; 2]> {
    let Handle(bucket) = Handle::new().await?;
    let began = Instant::now();
    bucket.put(KEY, Body::from_stream(source(pieces))).await?;
    let upload = began.elapsed().as_secs_f64();
    let began = Instant::now();
    read(bucket.get(KEY).await?.into_body(), pieces).await?;
    Ok([upload, began.elapsed().as_secs_f64()])
}

async fn object_store(pieces: usize) -> Outcome<[f64; 2]> {
    let InMemory(store) = InMemory::default();
    let mut source = std::pin::pin!(source(pieces));
    let began = Instant::now();
    let mut upload = store.put_multipart(&KEY.into()).await?;
    while let Some(piece) = source.next().await {
        upload.put_part(piece?.into()).await?;
    }
    upload.complete().await?;
    let upload = began.elapsed().as_secs_f64();
    let began = Instant::now();
    read(store.get(&KEY.into()).await?.into_stream(), pieces).await?;
    Ok([upload, began.elapsed().as_secs_f64()])
}

async fn opendal(pieces: usize) -> Outcome<[f64; 2]> {
    let OpenDal(operator) = OpenDal::new()?;
    let mut source = std::pin::pin!(source(pieces));
    let began = Instant::now();
    let mut writer = operator.writer(KEY).await?;
    while let Some(piece) = source.next().await {
        writer.write(piece?).await?;
    }
    writer.close().await?;
    let upload = began.elapsed().as_secs_f64();
    let began = Instant::now();
    read(operator.reader(KEY).await?.into_bytes_stream(..).await?, pieces).await?;
    Ok([upload, began.elapsed().as_secs_f64()])
}

/// Looks at every byte, as whoever reads it does.
async fn read<E>(body: impl Stream<Item = Result<Bytes, E>>, pieces: usize) -> Outcome
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut body = std::pin::pin!(body);
    let mut sum = 0;
    while let Some(piece) = body.next().await {
        sum += piece?.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    let right = (pieces * PIECE) as u64 * u64::from(BYTE);
    if sum == right { Ok(()) } else { Err("other bytes came than were sent".into()) }
}
