//! A worker is killed while it works on messages; its effects are counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use http::Method;
use skyport_e2e::tally::{RESTS, content};
use skyport_e2e::{Example, Http, Kind, Place, Running};

use super::{Clients, SETTLED, moment, moved, seeded};

const KILLS: u32 = 5;

/// Jobs that are sent for each kill, and once more after the last.
const JOBS: u32 = 20;

/// A kill comes after so many jobs at most have begun: there are always enough.
const BEGUN: usize = 12;

/// What the program stores.
const RESOURCES: [(&str, Kind); 3] =
    [("jobs", Kind::Queue), ("effects", Kind::Table), ("results", Kind::Bucket)];

fn tally(place: &Place) -> Example {
    place.program("tally", Path::new(env!("CARGO_BIN_EXE_tally")), &RESOURCES)
}

/// Some jobs will never succeed.
fn is_doomed(number: u32) -> bool {
    number % 9 == 4
}

/// Sends these jobs until each is accepted.
async fn send(clients: &Clients, numbers: std::ops::Range<u32>) {
    let sending = numbers.map(|number| async move {
        let path = format!("/jobs/{number}?doomed={}", is_doomed(number));
        clients.request(Method::POST, &path, &[]).await.0.assert_status(202);
    });
    stream::iter(sending).buffer_unordered(4).collect::<()>().await;
}

/// How often each job stands in lines that begin so.
fn told(log: &str, start: &str) -> BTreeMap<u32, i64> {
    let mut times = BTreeMap::new();
    for number in log.lines().filter_map(|line| line.strip_prefix(start)) {
        *times.entry(number.parse().expect("a number")).or_default() += 1;
    }
    times
}

/// Sends jobs in rounds, and kills the worker in the midst of each; the last worker, and what those before it said.
async fn work_under_fire(name: &str, place: &Place) -> (Running, String) {
    let (mut random, _) = seeded(&format!("kill::{name}::worker"));
    let mut log = String::new();
    let mut worker = tally(place).start().await;
    let (sender, clients) = Clients::of(&worker);
    for round in 0..KILLS {
        let killing = async {
            assert!(worker.says("begin ", random.usize(1..=BEGUN)).await, "it has ended:\n{}", worker.log());
            moment(&mut random).await;
            log.push_str(&worker.killed().await);
            log.push('\n');
            let next = tally(place).start().await;
            moved(&sender, &next);
            next
        };
        let (next, ()) = tokio::join!(killing, send(&clients, round * JOBS..(round + 1) * JOBS));
        worker = next;
    }
    send(&clients, KILLS * JOBS..(KILLS + 1) * JOBS).await;
    (worker, log)
}

/// A dead letter: the job, whether it was doomed, and the reason.
type Dead = (u32, bool, String);

/// Waits until every job is done, or a dead letter; those with their reasons.
async fn settle(client: &Http, worker: &Running, before: &str, all: &BTreeSet<u32>) -> BTreeMap<u32, String> {
    let begun = Instant::now();
    let mut dead: BTreeMap<u32, String> = BTreeMap::new();
    loop {
        let letters = client.get(&worker.url("/dead")).await;
        // An emulator may be slow for once.
        if letters.status == 200 {
            for (number, doomed, reason) in letters.json::<Vec<Dead>>() {
                assert_eq!(doomed, is_doomed(number));
                dead.insert(number, reason);
            }
        }
        let mut missing = all.clone();
        let done = told(&format!("{before}{}", worker.log()), "done ");
        missing.retain(|number| !done.contains_key(number) && !dead.contains_key(number));
        if missing.is_empty() {
            return dead;
        }
        assert!(begun.elapsed() < SETTLED, "neither done nor dead letters: {missing:?}\n{before}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Kills a worker again and again, and holds against what was accepted what is there in the end.
pub(super) async fn survive(name: &str, place: &Place) {
    tally(place).variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
    let (worker, before) = work_under_fire(name, place).await;
    let client = Http::new();

    let all: BTreeSet<u32> = (0..(KILLS + 1) * JOBS).collect();
    let dead = settle(&client, &worker, &before, &all).await;
    let mut worker = worker;
    worker.terminate();
    assert!(worker.ended().await.success(), "{}", worker.log());
    let log = format!("{before}{}", worker.log());

    let resting = tally(place).variable(RESTS, "1").start().await;
    assert_effects(&client, &resting, &all, &dead, &log).await;
    resting.stop().await;
    if let Place::Local(data) = place {
        assert_eq!(data.open().waiting("tally-jobs").await.expect("a depth"), 0);
        data.assert_sound(all.iter().filter(|number| !is_doomed(**number)).count()).await;
    }
    let again: i64 = told(&log, "begin ").values().map(|times| times - 1).sum();
    let figures = format!(
        "{KILLS} kills, {} messages accepted, {again} begun again, {} dead letters, none lost, none counted twice",
        all.len(),
        dead.len()
    );
    skyport_figures::record(&format!("kill::{name}::worker"), &figures);
}

/// Every job is done as its log says, and whole; or it is a dead letter with the reason.
async fn assert_effects(
    client: &Http,
    server: &Running,
    all: &BTreeSet<u32>,
    dead: &BTreeMap<u32, String>,
    log: &str,
) {
    let counts: BTreeMap<u32, i64> = client.get(&server.url("/counts")).await.assert_status(200).json();
    let (begun, done) = (told(log, "begin "), told(log, "done "));
    for number in all {
        let times = |of: &BTreeMap<u32, i64>| of.get(number).copied().unwrap_or_default();
        let (counted, most, least) = (times(&counts), times(&begun), times(&done));
        if is_doomed(*number) {
            assert_eq!((counted, least), (0, 0), "job {number}");
            assert_eq!(dead[number], "it was doomed");
        } else {
            assert!((least..=most).contains(&counted), "job {number}: {counted} is not in {least}..={most}");
            assert!(least > 0 || !dead[number].is_empty(), "job {number} has no reason");
        }
        let result = client.get(&server.url(&format!("/results/{number}"))).await;
        match result.status.as_u16() {
            200 => assert!(result.body == content(*number), "job {number} has another result"),
            404 => assert_eq!(least, 0, "job {number} has no result"),
            other => panic!("job {number}: {other}"),
        }
    }
}
