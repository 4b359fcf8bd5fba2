//! One large object up and down as a stream, each contender in a process of its own, which tells how fast it was and what it held in memory.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use object_store::{ObjectStoreExt, WriteMultipart};
use skyport_measure::{Alone, Contender, Group, Metric, Outcome, Target, child, peak_memory};

use crate::blobs::opendal_fs::OpenDal;
use crate::blobs::store_local::LocalFiles;
use crate::ours;
use crate::stage::Stage;

/// The pieces in which the source gives its bytes.
const PIECE: usize = 1 << 20;
/// The parts in which they go up, and the chunks in which they come down where that can be set: as large as the provider's.
const PART: usize = 4 << 20;
/// How many parts are on their way at once.
const AT_ONCE: usize = 2;
const KEY: &str = "large";
const MEBIBYTE: f64 = (1 << 20) as f64;

const CONTENDERS: [(&str, &str); 3] =
    [("skyport", "skyport"), ("object_store", "object_store LocalFileSystem"), ("opendal", "OpenDAL fs")];

/// Adds the rows.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan().at_most(7);
    let pieces = plan.pick(1_024, 128);
    for way in ["upload", "download"] {
        let name = format!("{way}/{}", plan.pick("1GiB", "128MiB"));
        if !group.wants(&name) {
            continue;
        }
        let stage = Stage::new()?;
        let pieces = pieces.to_string();
        let mut contenders = Vec::new();
        for (word, name) in CONTENDERS {
            let folder = stage.folder(word)?;
            let folder = folder.to_str().ok_or("the folder's path is no text")?.to_owned();
            if way == "download" {
                child::<[f64; 2]>(&["upload", word, &folder, &pieces])?;
            }
            let pieces = &pieces;
            contenders.push(Contender::elsewhere(name, move || child(&[way, word, &folder, pieces])));
        }
        let metrics = [
            Metric::new("", "MiB/s", Target::AtLeast(1.0)),
            Metric::new("memory", "MiB", Target::Within(64.0)),
        ];
        let ours = contenders.remove(0);
        group.contest(&name, metrics, plan, ours, contenders)?;
    }
    Ok(())
}

/// What a child does, which was started by [`measure`]; it tells MiB a second, and its peak in MiB.
///
/// # Errors
/// What the contender fails with.
pub fn alone(alone: &Alone) -> Outcome {
    let [way, who, folder, pieces] = alone.0.as_slice() else {
        return Err("a transfer wants four words".into());
    };
    let (folder, pieces) = (Path::new(folder), pieces.parse::<usize>()?);
    let bytes = (pieces * PIECE) as u64;
    let seconds = Stage::new()?.runtime.block_on(async {
        match (way.as_str(), who.as_str()) {
            ("upload", "skyport") => upload(folder, pieces).await,
            ("upload", "object_store") => upload_to_store(folder, pieces).await,
            ("upload", "opendal") => upload_to_opendal(folder, pieces).await,
            ("download", "skyport") => download(folder, bytes).await,
            ("download", "object_store") => download_from_store(folder, bytes).await,
            ("download", "opendal") => download_from_opendal(folder, bytes).await,
            _ => Err(format!("nobody does {way} with {who}").into()),
        }
    })?;
    alone.tell(&[bytes as f64 / MEBIBYTE / seconds, peak_memory()? as f64 / MEBIBYTE])
}

fn source(pieces: usize) -> impl Stream<Item = Outcome<Bytes>> {
    let piece = Bytes::from(vec![7; PIECE]);
    stream::iter((0..pieces).map(move |_| Ok(piece.clone())))
}

async fn upload(folder: &Path, pieces: usize) -> Outcome<f64> {
    let bucket = ours::bucket(folder).await?;
    let body = skyport_core::Body::from_stream(source(pieces));
    let began = Instant::now();
    bucket.put(KEY, body).await?;
    let seconds = began.elapsed().as_secs_f64();
    is_whole(bucket.head(KEY).await?.size, (pieces * PIECE) as u64)?;
    Ok(seconds)
}

async fn upload_to_store(folder: &Path, pieces: usize) -> Outcome<f64> {
    let store = LocalFiles::new(folder)?.0;
    let mut source = std::pin::pin!(source(pieces));
    let began = Instant::now();
    let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&KEY.into()).await?, PART);
    while let Some(piece) = source.next().await {
        upload.wait_for_capacity(AT_ONCE).await?;
        upload.put(piece?);
    }
    upload.finish().await?;
    let seconds = began.elapsed().as_secs_f64();
    is_whole(store.head(&KEY.into()).await?.size, (pieces * PIECE) as u64)?;
    Ok(seconds)
}

async fn upload_to_opendal(folder: &Path, pieces: usize) -> Outcome<f64> {
    let operator = OpenDal::new(folder)?.0;
    let mut source = std::pin::pin!(source(pieces));
    let began = Instant::now();
    let mut writer = operator.writer_with(KEY).chunk(PART).concurrent(AT_ONCE).await?;
    while let Some(piece) = source.next().await {
        writer.write(piece?).await?;
    }
    writer.close().await?;
    let seconds = began.elapsed().as_secs_f64();
    is_whole(operator.stat(KEY).await?.content_length(), (pieces * PIECE) as u64)?;
    Ok(seconds)
}

async fn download(folder: &Path, bytes: u64) -> Outcome<f64> {
    let bucket = ours::bucket(folder).await?;
    let began = Instant::now();
    drain(bucket.get(KEY).await?.into_body(), bytes).await?;
    Ok(began.elapsed().as_secs_f64())
}

async fn download_from_store(folder: &Path, bytes: u64) -> Outcome<f64> {
    let store = LocalFiles::new(folder)?.0;
    let began = Instant::now();
    drain(store.get(&KEY.into()).await?.into_stream(), bytes).await?;
    Ok(began.elapsed().as_secs_f64())
}

async fn download_from_opendal(folder: &Path, bytes: u64) -> Outcome<f64> {
    let operator = OpenDal::new(folder)?.0;
    let began = Instant::now();
    let reader = operator.reader_with(KEY).chunk(PART).concurrent(AT_ONCE).await?;
    drain(reader.into_bytes_stream(..).await?, bytes).await?;
    Ok(began.elapsed().as_secs_f64())
}

async fn drain<E>(body: impl Stream<Item = Result<Bytes, E>>, bytes: u64) -> Outcome
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut body = std::pin::pin!(body);
    let mut came = 0;
    while let Some(piece) = body.next().await {
        came += piece?.len() as u64;
    }
    is_whole(came, bytes)
}

fn is_whole(came: u64, bytes: u64) -> Outcome {
    if came == bytes { Ok(()) } else { Err(format!("{came} bytes instead of {bytes}").into()) }
}
