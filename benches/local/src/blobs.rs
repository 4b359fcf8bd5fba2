//! Buckets: objects of 1 KiB and of 1 MiB, written over and read.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use skyport_measure::{Contender, Group, Metric, Outcome, Plan, Target};

use crate::hand::{Hand, files};
use crate::load::rate;
use crate::ours;
use crate::stage::Stage;

pub mod opendal_fs;
mod skyport;
pub mod store_local;

/// Keys of objects, which are written over in every round.
const KEYS: usize = 256;

/// A bucket that is measured.
pub trait Objects: Send + Sync + 'static {
    /// Writes an object.
    fn put(&self, key: String, body: Bytes) -> impl Future<Output = Outcome> + Send;
    /// Reads an object whole; how many bytes it has.
    fn get(&self, key: String) -> impl Future<Output = Outcome<usize>> + Send;
}

impl Objects for files::Files {
    async fn put(&self, key: String, body: Bytes) -> Outcome {
        Self::put(self, key, body).await
    }

    async fn get(&self, key: String) -> Outcome<usize> {
        Ok(Self::get(self, key).await?.len())
    }
}

/// What a contest writes and reads.
#[derive(Clone, Copy)]
struct Load {
    writers: usize,
    bytes: usize,
    count: usize,
}

/// Adds the rows of both sizes, for one writer and for eight.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan();
    for (size, bytes, many, few) in [("1KiB", 1 << 10, 1_000, 200), ("1MiB", 1 << 20, 100, 20)] {
        for writers in [1, 8] {
            let name = format!("blob/{size}/{writers}w");
            if group.wants(&name) {
                contest(group, &name, plan, Load { writers, bytes, count: plan.pick(many, few) })?;
            }
        }
    }
    Ok(())
}

fn contest(group: &mut Group, name: &str, plan: Plan, load: Load) -> Outcome {
    let stage = Stage::new()?;
    let ours = skyport::Skyport(stage.runtime.block_on(ours::bucket(&stage.folder("ours")?))?);
    let hand = Hand::pool(&stage.folder("hand")?, files::SCHEMA)?;
    let hand = files::Files::new(hand, stage.folder("hand")?);
    let store = store_local::LocalFiles::new(&stage.folder("object_store")?)?;
    let opendal = opendal_fs::OpenDal::new(&stage.folder("opendal")?)?;
    let metrics = ["put", "get"].map(|name| Metric::new(name, "op/s", Target::AtLeast(0.9)));
    let rivals = vec![
        contender("files and SQLite by hand", &stage, hand, load)?,
        contender("object_store LocalFileSystem", &stage, store, load)?,
        contender("OpenDAL fs", &stage, opendal, load)?,
    ];
    let ours = contender("skyport", &stage, ours, load)?;
    group.contest(name, metrics, plan, ours, rivals)
}

fn contender<'a, O: Objects>(
    name: &'static str,
    stage: &'a Stage,
    bucket: O,
    load: Load,
) -> Outcome<Contender<'a, 2>> {
    let Load { writers, bytes, count } = load;
    let (bucket, body) = (Arc::new(bucket), Bytes::from(vec![7; bytes]));
    let keys = KEYS.min(count);
    let put = move |bucket: &Arc<O>, step: usize| {
        let (bucket, body, key) = (Arc::clone(bucket), body.clone(), key(step % keys));
        async move { bucket.put(key, body).await }
    };
    let (filled, fill) = (Arc::clone(&bucket), put.clone());
    rate(&stage.runtime, writers, keys, move |step| fill(&filled, step))?;
    Ok(Contender::new(name, move || {
        let (written, read, put) = (Arc::clone(&bucket), Arc::clone(&bucket), put.clone());
        let put = rate(&stage.runtime, writers, count, move |step| put(&written, step))?;
        let got = rate(&stage.runtime, writers, count, move |step| {
            let bucket = Arc::clone(&read);
            async move {
                let got = bucket.get(key(step * 389 % keys)).await?;
                if got == bytes { Ok(()) } else { Err("another object came".into()) }
            }
        })?;
        Ok([put, got])
    }))
}

fn key(number: usize) -> String {
    format!("directory-{:02}/object-{:04}", number % 16, number)
}
