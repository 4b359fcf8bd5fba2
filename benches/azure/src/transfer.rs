//! One large object up and down: each contender in a process of its own, over one HTTP client of the same settings, in parts of the same size,
//! as many at once.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use skyport_measure::{Alone, Contender, Group, Metric, Outcome, Target, child, peak_memory};

use crate::place::one_thread;
use crate::sink::Sink;

mod contenders;
mod source;

use contenders::Client;

/// The size of a part, and how many go up at once: the provider's own.
const PART: usize = 8 << 20;
const AT_ONCE: usize = 4;

const CONTAINER: &str = "transfer";

/// Who takes part: ours first.
const NAMES: [&str; 4] = ["skyport", "azure_storage_blob", "object_store", "opendal"];

const MIB: f64 = 1_048_576.0;

/// What a process tells.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    seconds: f64,
    /// Its memory at most.
    peak: u64,
    /// How many bytes it has sent or received.
    bytes: u64,
}

/// Both ways.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let size: u64 = group.plan().pick(1 << 30, 64 << 20);
    let plan = group.plan().at_most(5);
    let (sink, named) = (Sink::start()?, group.plan().pick("1GiB", "64MiB"));
    let said = sink.connection_string();
    sink.make(CONTAINER, "down", size);
    for way in ["upload", "download"] {
        let contenders = NAMES.map(|name| {
            let (sink, said) = (&sink, &said);
            Contender::elsewhere(name, move || {
                let told: Told = child(&["transfer", way, name, said, &size.to_string()])?;
                let there = sink.size(CONTAINER, name);
                if told.bytes != size || (way == "upload" && there != Some(size)) {
                    return Err(format!("{} of {size} bytes, {there:?} there", told.bytes).into());
                }
                Ok([size as f64 / MIB / told.seconds, told.peak as f64 / MIB])
            })
        });
        let metrics = [
            Metric::new("speed", "MiB/s", Target::AtLeast(1.0)),
            Metric::new("memory", "MiB", Target::Within(64.0)),
        ];
        let [ours, rivals @ ..] = contenders;
        group.contest(&format!("transfer/{named}/{way}"), metrics, plan, ours, rivals.into())?;
    }
    Ok(())
}

/// What a process of its own does.
///
/// # Errors
/// What the contender fails with, or what its arguments are not.
pub fn alone(alone: &Alone, way: &str, name: &str, said: &str, size: &str) -> Outcome {
    let size = size.parse()?;
    let (seconds, bytes) = one_thread()?.block_on(async {
        let client = Client::of(name, said)?;
        // The connection is warm, and what is made at a first call is made.
        client.upload("small", 1 << 20).await?;
        let began = Instant::now();
        let bytes = match way {
            "upload" => client.upload(name, size).await?,
            _ => client.download("down").await?,
        };
        Outcome::Ok((began.elapsed().as_secs_f64(), bytes))
    })?;
    alone.tell(&Told { seconds, peak: peak_memory()?, bytes })
}
