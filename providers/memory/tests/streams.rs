//! Objects are whole under chaos, whether they go up in parts or at once: a reader sees all of one write or fails.
#![allow(clippy::expect_used)] // All of this is a test.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use skyport_core::blob::Bucket;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Body, Error, ErrorKind, Result};
use skyport_memory::{Chaos, Determined, Fault, Memory, Operation};

const CHUNK: usize = 1 << 20;

/// How often the object is written; each time all of its bytes are the number of the write.
const WRITES: u8 = 6;

/// More than the parts of one size, and longer with each write.
fn length(write: u8, parts: usize) -> usize {
    // Every other one goes up at once.
    if write.is_multiple_of(2) { 1_000 + usize::from(write) } else { parts + CHUNK * usize::from(write) }
}

fn content(write: u8, length: usize) -> Body {
    let whole = Bytes::from(vec![write; length]);
    let chunks =
        (0..length).step_by(CHUNK).map(move |at| Ok::<_, Error>(whole.slice(at..length.min(at + CHUNK))));
    Body::from_stream(stream::iter(chunks))
}

/// What was read whole, how many reads failed, and how many faults there were.
async fn drive(seed: u64) -> Result<(BTreeSet<u8>, usize, usize)> {
    let (memory, url) = (Memory::builder().seed(seed).build(), ResourceUrl::new("memory", "films"));
    memory.create(&url, &ResourceKind::Bucket).await?;
    let films = Bucket::new(Retry::default().blob(memory.bucket(&url)?));
    let parts = films.limits().part_bytes;
    let (mut chaos, often) = (Chaos::seeded(seed), 0.3);
    for operation in [Operation::BlobPutPart, Operation::BlobComplete] {
        chaos = chaos.rate(operation, Fault::lose_answer(ErrorKind::Unavailable), often);
    }
    chaos = chaos.rate(Operation::BlobGet, Fault::break_off(100), often);
    films.put("film", content(0, length(0, parts))).await?;
    memory.faults().unleash(chaos);

    let writing = async {
        for write in 1..WRITES {
            // Repeated as a whole, where it failed: the source begins anew.
            while films.put("film", content(write, length(write, parts))).await.is_err() {}
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (mut seen, mut failed) = (BTreeSet::new(), 0);
    let reading = async {
        for _ in 0..25 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let Ok(bytes) = films.get("film").limit(64 * CHUNK).bytes().await else {
                failed += 1;
                continue;
            };
            let write = bytes[0];
            assert_eq!(bytes.len(), length(write, parts), "seed {seed}: half of write {write}");
            let alike = vec![write; CHUNK];
            let unmixed = bytes.chunks(CHUNK).all(|chunk| chunk == &alike[..chunk.len()]);
            assert!(unmixed, "seed {seed}: write {write} is mixed");
            seen.insert(write);
        }
    };
    tokio::join!(writing, reading);
    let faults = memory.faults().struck() as usize;
    memory.faults().clear();
    assert_eq!(films.get("film").limit(64 * CHUNK).bytes().await?[0], WRITES - 1);
    Ok((seen, failed, faults))
}

#[test]
fn a_reader_sees_all_of_one_write_whatever_breaks() {
    const SEEDS: u64 = 12;
    let (mut seen, mut failed, mut faults) = (BTreeSet::new(), 0, 0);
    for seed in 0..SEEDS {
        let _determined = Determined::by(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let run = runtime.expect("a runtime").block_on(drive(seed)).expect("the faults end");
        seen.extend(run.0);
        failed += run.1;
        faults += run.2;
    }
    skyport_figures::record(
        "chaos::streams",
        &format!("{SEEDS} seeds, {faults} faults, {failed} reads failed"),
    );
    assert!(seen.len() > 3 && faults > 100, "{seen:?}, {faults} faults");
}
