//! Photos under faults: clients in a storm, and what is promised to them all the same.
//!
//! The tests that run it are in `simulation`; those in `tests/planted` run it over photos with bugs that it must find.

pub(crate) mod album;
mod client;
pub(crate) mod ledger;
mod promises;
mod snapshot;

use std::time::{Duration, UNIX_EPOCH};

use fastrand::Rng;
use futures_util::future::join_all;
use skyport::app::App;
use skyport::testing::{Chaos, Driven, Fault, Operation, Simulation, Test};
use tokio::time::sleep;

use crate::app::Photos;
use album::album;
use client::Client;
use ledger::Ledger;
use snapshot::Snapshot;

/// Names that all clients write, one in some seeds and more in others.
const SHARED: [&str; 2] = ["cat.jpg", "dog.png"];

/// The longest pauses between what a client does, in milliseconds: those of a seed with much time, and of one with little. Races need
/// clients that are close together, and leases and redeliveries those that are still there much later.
const PAUSES: [[u64; 4]; 2] = [[0, 20, 1_000, 10_000], [0, 5, 20, 200]];

/// When the nightly sweep comes, in seconds of the day.
const NIGHT: u64 = 3 * 3_600;

/// In how many seeds one waits for the night: idle hours are many looks into empty queues.
const NIGHTS: u64 = 16;

/// What is known of a run when its faults have ended.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) ledger: Ledger,
    /// What is kept when all has settled, and before a sweep mends it.
    snapshot: Snapshot,
    /// The ledger's time of it.
    at_rest: u64,
}

/// The simulation of an application that keeps the promises of photos.
pub(crate) fn simulation(
    name: &str,
    app: impl Fn() -> App<Photos> + Send + Sync + 'static,
) -> Simulation<Photos, Driven<Photos, Seen>> {
    Simulation::new(name, app)
        .chaos(chaos)
        .drive(drive)
        .then(async |test| test.fire("sweep").await.expect("nothing is in its way"))
        .check(promises::answers_are_true)
        .check(promises::nothing_is_lost)
        .check(promises::each_has_its_thumbnail_or_a_letter)
        .check(promises::a_sweep_mends_all)
        .check(promises::letters_have_their_reasons)
}

/// What strikes by default, and more slow calls: what is under way while others write is what goes wrong in such an application.
fn chaos(seed: u64) -> Chaos {
    let slow = [Operation::BlobGet, Operation::BlobPut, Operation::KvGet, Operation::KvWrite];
    slow.into_iter().fold(Chaos::seeded(seed), |chaos, operation| {
        chaos.rate(operation, Fault::slow(Duration::from_secs(3)), 0.04)
    })
}

async fn drive(test: &Test<Photos>, seed: u64) -> Seen {
    let mut random = Rng::with_seed(seed);
    let ledger = Ledger::default();
    let mut pictures: Vec<_> = album().iter().collect();
    random.shuffle(&mut pictures);
    let count = random.usize(2..=4);
    let shared = &SHARED[..random.usize(1..=SHARED.len())];
    let pauses = PAUSES[random.usize(..PAUSES.len())];
    let share = pictures.len() / count;
    let clients = (0..count).map(|number| {
        let own = format!("photo-{number}.jpg");
        let names = shared.iter().map(|name| (*name).to_owned()).chain([own]).collect();
        let pictures = pictures.split_off(pictures.len() - share);
        let client = Client { test, ledger: &ledger, random: random.fork(), pauses, names, pictures };
        client.live(random.usize(3..=10))
    });
    let clients = join_all(clients.collect::<Vec<_>>());
    let sweeping = async {
        for _ in 0..random.usize(0..2) {
            sleep(Duration::from_millis(random.u64(..20_000))).await;
            // Where it fails the night's would come again; here the one at the end will do.
            let _ = test.fire("sweep").await;
        }
    };
    tokio::join!(clients, sweeping);
    if seed % NIGHTS == NIGHTS - 1 {
        until_after_the_nightly_sweep(test).await;
    }
    test.calm();
    test.settle().await;
    let snapshot = Snapshot::of(test.resources()).await.expect("nothing is in its way");
    let at_rest = ledger.now();
    Seen { ledger, snapshot, at_rest }
}

async fn until_after_the_nightly_sweep(test: &Test<Photos>) {
    let now = test.now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let left = (NIGHT + 86_400 - now % 86_400) % 86_400;
    test.advance(Duration::from_secs(left + 60)).await;
}
