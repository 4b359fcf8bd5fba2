//! A large object up and down, against a sink on this machine: each contender in a process of its own, on one thread.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use skyport_measure::{Alone, Contender, Group, Metric, Outcome, Target, child, peak_memory};

use crate::place::one_thread;
use crate::sink::Sink;

mod google;
mod ours;
mod peers;
mod raw;

/// The word of these children.
pub const WORD: &str = "transfer";

const MIB: f64 = (1 << 20) as f64;

/// A contender's name on the page, and in the arguments of its process.
const CONTENDERS: [(&str, &str); 5] = [
    ("skyport", "skyport"),
    ("JSON API by hand", "raw"),
    ("google-cloud-storage", "google"),
    ("object_store", "object_store"),
    ("opendal", "opendal"),
];

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    seconds: f64,
    peak: u64,
}

/// How an object travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Up, and down.
///
/// # Errors
/// What a contender fails with.
pub fn measure(group: &mut Group) -> Outcome {
    let size = group.plan().pick(1 << 30, 64 << 20);
    for way in ["upload", "download"] {
        let name = format!("transfer/{}/{way}", group.plan().pick("1GiB", "64MiB"));
        if !group.wants(&name) {
            continue;
        }
        let sink = Sink::start(size)?;
        let metrics = [
            Metric::new("speed", "MiB/s", Target::AtLeast(1.0)),
            Metric::new("peak", "MiB", Target::Within(64.0)),
        ];
        let contender = |(name, word)| {
            let sink = sink.clone();
            Contender::elsewhere(name, move || {
                let moved: Moved = child(&[WORD, word, way, sink.url(), &size.to_string()])?;
                let taken = sink.taken();
                if way == "upload" && taken < size {
                    return Err(format!("{taken} bytes of {size} came").into());
                }
                Ok([size as f64 / MIB / moved.seconds, moved.peak as f64 / MIB])
            })
        };
        let mut contenders = CONTENDERS.into_iter().map(contender);
        let ours = contenders.next().ok_or("nobody takes part")?;
        let plan = group.plan().at_most(9);
        group.contest(&name, metrics, plan, ours, contenders.collect())?;
    }
    Ok(())
}

/// The child's part.
///
/// # Errors
/// What the contender fails with.
pub fn alone(alone: &Alone, arguments: &[String]) -> Outcome {
    let [who, way, endpoint, size] = arguments else { return Err("a transfer has four arguments".into()) };
    let (size, way) = (size.parse()?, if way == "upload" { Way::Up } else { Way::Down });
    // The peers' clients take the process's own provider of cryptography, although nothing here is encrypted.
    let cryptography = (*skyport_https::cryptography()).clone();
    cryptography.install_default().map_err(|_| "cryptography was chosen twice")?;
    let runtime = one_thread()?;
    let began = Instant::now();
    let moved = runtime.block_on(async {
        match who.as_str() {
            "skyport" => ours::transfer(endpoint, way, size).await,
            "raw" => raw::transfer(endpoint, way, size).await,
            "google" => google::transfer(endpoint, way, size).await,
            "object_store" => peers::object_store(endpoint, way, size).await,
            "opendal" => peers::opendal(endpoint, way, size).await,
            _ => Err(format!("nobody is called {who}").into()),
        }
    })?;
    let seconds = began.elapsed().as_secs_f64();
    if moved != size {
        return Err(format!("{moved} bytes of {size} were moved").into());
    }
    alone.tell(&Moved { seconds, peak: peak_memory()? })
}

/// What is sent, as an application has it: pieces that are in memory already.
fn pieces(size: u64) -> impl Iterator<Item = bytes::Bytes> + Send + Sync + 'static {
    static PIECE: [u8; 256 << 10] = [7; 256 << 10];
    let count = size / PIECE.len() as u64;
    (0..count).map(|_| bytes::Bytes::from_static(&PIECE))
}
