//! A large object, up and down, each contender in a process of its own: how fast, and how much memory it holds.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use skyport_measure::{Alone, Contender, Group, Metric, Outcome, Target, child, peak_memory};

use crate::place::{Place, unique};
use crate::sink::Sink;

mod manager;
mod opendal_s3;
mod raw;
mod skyport;
mod store_aws;

/// What a child is told to be a contender.
pub const WORD: &str = "transfer";

/// What the source gives at once: as a file or a socket does.
const CHUNK: usize = 64 << 10;

/// All contenders send parts of this size, so many at once: Skyport's own.
const PART: usize = 8 << 20;
const AT_ONCE: usize = 4;

const MEBIBYTE: f64 = (1_u64 << 20) as f64;

/// Ours, and then its rivals.
const WHO: [&str; 5] = ["skyport", "aws-sdk-s3", "aws-sdk-s3-transfer-manager", "object_store", "opendal"];

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    seconds: f64,
    peak: u64,
}

/// Against the sink with 1 GiB, and against the emulator with less.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let plan = group.plan();
    if group.wants("transfer/upload/sink") || group.wants("transfer/download/sink") {
        let sink = Sink::start()?;
        let bytes = plan.pick(1 << 30, 64 << 20);
        for direction in ["upload", "download"] {
            contest(group, &format!("transfer/{direction}/sink"), direction, &sink.endpoint, "bench", bytes)?;
        }
    }
    if group.wants("transfer/upload/emulator") || group.wants("transfer/download/emulator") {
        let (place, bucket) = (Place::emulator()?, unique("transfer"));
        crate::place::one_thread()?.block_on(place.create("s3", &bucket))?;
        let bytes = plan.pick(128 << 20, 32 << 20);
        for direction in ["upload", "download"] {
            let name = format!("transfer/{direction}/emulator");
            contest(group, &name, direction, place.endpoint(), &bucket, bytes)?;
        }
    }
    Ok(())
}

fn contest(
    group: &mut Group,
    name: &str,
    direction: &str,
    endpoint: &str,
    bucket: &str,
    bytes: u64,
) -> Outcome {
    let plan = group.plan().at_most(group.plan().pick(5, 3));
    let size = bytes.to_string();
    let contender = |who: &'static str| {
        let size = size.as_str();
        Contender::elsewhere(who, move || {
            let told: Told = child(&[WORD, direction, who, endpoint, bucket, size])?;
            Ok([bytes as f64 / MEBIBYTE / told.seconds, told.peak as f64 / MEBIBYTE])
        })
    };
    let metrics =
        [Metric::new("", "MiB/s", Target::AtLeast(1.0)), Metric::new("memory", "MiB", Target::Within(64.0))];
    let [ours, rivals @ ..] = WHO.map(contender);
    group.contest(name, metrics, plan, ours, rivals.into())
}

/// What one contender transfers.
#[derive(Clone, Debug)]
struct Job {
    endpoint: String,
    bucket: String,
    key: String,
    bytes: u64,
}

impl Job {
    /// Where it goes.
    fn place(&self) -> Place {
        Place::at(self.endpoint.clone())
    }

    /// What is uploaded, as it comes: each piece is memory of its own, as what is read of a file or a socket is.
    fn source(&self) -> impl Stream<Item = Bytes> + Send + Sync + Unpin + 'static {
        static ZEROS: [u8; CHUNK] = [0; CHUNK];
        let chunks = usize::try_from(self.bytes).unwrap_or(usize::MAX) / CHUNK;
        stream::iter((0..chunks).map(|_| Bytes::copy_from_slice(&ZEROS)))
    }

    /// What was downloaded must be all.
    fn check(&self, came: u64) -> Outcome {
        if came == self.bytes { Ok(()) } else { Err(format!("{came} bytes came of {}", self.bytes).into()) }
    }
}

/// A child: one transfer, on two threads.
///
/// # Errors
/// What it fails with.
pub fn alone(alone: &Alone) -> Outcome {
    let [_, direction, who, endpoint, bucket, bytes] = alone.0.as_slice() else {
        return Err("a transfer is named by five words".into());
    };
    let job = Job {
        endpoint: endpoint.clone(),
        bucket: bucket.clone(),
        key: format!("large-{bytes}"),
        bytes: bytes.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let up = direction == "upload";
    let seconds = runtime.block_on(async {
        match (who.as_str(), up) {
            ("skyport", true) => skyport::upload(&job).await,
            ("skyport", false) => skyport::download(&job).await,
            ("aws-sdk-s3", true) => raw::upload(&job).await,
            ("aws-sdk-s3", false) => raw::download(&job).await,
            ("aws-sdk-s3-transfer-manager", true) => manager::upload(&job).await,
            ("aws-sdk-s3-transfer-manager", false) => manager::download(&job).await,
            ("object_store", true) => store_aws::upload(&job).await,
            ("object_store", false) => store_aws::download(&job).await,
            ("opendal", true) => opendal_s3::upload(&job).await,
            ("opendal", false) => opendal_s3::download(&job).await,
            _ => Err(format!("nobody is called {who}").into()),
        }
    })?;
    alone.tell(&Told { seconds, peak: peak_memory()? })
}

/// How long it takes, in seconds.
async fn timed(transfer: impl Future<Output = Outcome>) -> Outcome<f64> {
    let began = Instant::now();
    transfer.await?;
    Ok(began.elapsed().as_secs_f64())
}
