//! Two processes do everything that can be done with a data folder, and are killed at random points: what they were answered stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use skyport_e2e::{Data, Example, Open, within};

use super::{LIMIT, moment, seeded};

/// How often both are started, and killed.
const ROUNDS: u32 = 6;

/// A kill comes after so many lines at most.
const LINES: usize = 600;

/// What was said.
#[derive(Debug, Default)]
struct Said(Vec<String>);

impl Said {
    /// What follows in lines that begin so.
    fn all<'s>(&'s self, start: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter_map(move |line| line.strip_prefix(start))
    }

    fn set(&self, starts: &[&str]) -> BTreeSet<String> {
        starts.iter().flat_map(|start| self.all(start)).map(str::to_owned).collect()
    }
}

/// Starts both, and kills each once it has said enough.
async fn round(data: &Data, round: u32, random: &mut fastrand::Rng) -> Vec<String> {
    let mut said = Vec::new();
    let mut running = Vec::new();
    for name in ["a", "b"] {
        let program = Example::program("churn", Path::new(env!("CARGO_BIN_EXE_churn")));
        running.push(program.argument(data.path()).argument(format!("{name}{round}")).launch());
    }
    for mut process in running {
        assert!(process.says("", random.usize(20..LINES)).await, "it has ended: {}", process.log());
        moment(random).await;
        said.extend(process.killed().await.lines().map(str::to_owned));
    }
    said
}

/// All messages of a queue, wherever they are; some are still leased by those who were killed.
async fn left(open: &Open) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let (queue, mut waiting, mut dead) = (open.queue("queue"), BTreeSet::new(), BTreeMap::new());
    while queue.depth().await.expect("a depth").total() > 0 {
        for message in
            queue.receive(10, Duration::from_secs(1), Duration::from_secs(60)).await.expect("received")
        {
            waiting.insert(message.value().expect("a text").as_str().expect("a text").to_owned());
            message.ack().await.expect("acknowledged");
        }
    }
    for letter in open.take_dead_letters("queue").await.expect("dead letters") {
        let id = letter.value().expect("a text").as_str().expect("a text").to_owned();
        dead.insert(id, letter.reason().unwrap_or_default().to_owned());
    }
    (waiting, dead)
}

#[tokio::test]
async fn what_processes_were_answered_before_they_were_killed_stands_and_nothing_is_half() {
    within(LIMIT, async {
        let (mut random, _) = seeded("kill::local::ledger");
        let data = Data::new();
        let mut said = Said::default();
        for number in 0..ROUNDS {
            said.0.extend(round(&data, number, &mut random).await);
        }
        let open = data.open();
        let messages = assert_messages(&open, &said).await;
        let steps = assert_items(&open, &said).await;
        let objects = assert_objects(&open, &said).await;
        drop(open);
        data.assert_sound(objects).await;
        let figures = format!(
            "{} kills, {messages} messages accepted, {steps} increments and transactions, {} objects written in parts, none lost, none half",
            ROUNDS * 2,
            said.all("ok write ").count()
        );
        skyport_figures::record("kill::local::ledger", &figures);
    })
    .await;
}

/// What was accepted is there unless somebody set about to settle it; what was settled is not; nothing is there that nobody sent.
async fn assert_messages(open: &Open, said: &Said) -> usize {
    let (waiting, dead) = left(open).await;
    let accepted = said.set(&["ok send "]);
    let touched = said.set(&["try ack ", "try bury "]);
    let there = |id: &String| waiting.contains(id) || dead.contains_key(id);
    let lost: Vec<&String> = accepted.iter().filter(|id| !touched.contains(*id) && !there(id)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    for id in &said.set(&["ok ack "]) {
        assert!(!there(id), "{id} was acknowledged");
    }
    for id in &said.set(&["ok bury "]) {
        assert_eq!(dead.get(id).map(String::as_str), Some("buried"), "{id}");
        assert!(!waiting.contains(id), "{id} was buried");
    }
    assert!(dead.values().all(|reason| ["buried", "attempts"].contains(&reason.as_str())), "{dead:?}");
    let sent = said.set(&["try send "]);
    assert!(waiting.iter().chain(dead.keys()).all(|id| sent.contains(id)), "nobody has sent that");
    accepted.len()
}

/// Counters stand between what was answered and what was tried, and of a transaction there is all or nothing.
async fn assert_items(open: &Open, said: &Said) -> usize {
    let table = open.table::<i64>("table");
    for counter in ["0", "1", "2"] {
        let of = |verb: &str| said.all(verb).filter(|told| *told == counter).count() as i64;
        let (least, most) = (of("ok count "), of("try count "));
        let counted = table.get(("counters", counter)).await.expect("a read").map_or(0, |entry| entry.value);
        assert!((least..=most).contains(&counted), "{counter}: {counted} is not in {least}..={most}");
    }
    let pairs = table.query("pairs").collect().await.expect("a query");
    let mut by_name: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for pair in &pairs {
        let (name, _) = pair.key.sort.split_once('-').expect("a side");
        by_name.entry(name.to_owned()).or_default().push(pair.value);
    }
    assert!(by_name.values().all(|sides| sides.len() == 2 && sides[0] == sides[1]), "{by_name:?}");
    said.all("ok count ").count() + said.all("ok pair ").count()
}

/// Each object is what one write made of it, and no write before the last that was answered.
async fn assert_objects(open: &Open, said: &Said) -> usize {
    let (bucket, mut last) = (open.bucket("bucket"), BTreeMap::new());
    for told in said.all("ok write ") {
        let (key, round) = told.split_once(' ').expect("a round");
        last.insert(key.to_owned(), round.parse::<u64>().expect("a number"));
    }
    let keys = open.keys("bucket").await;
    assert!(last.keys().all(|key| keys.contains(key)), "an object is lost");
    for key in &keys {
        let bytes = bucket.get(key).await.expect("an object").bytes().await.expect("whole");
        let text = str::from_utf8(&bytes).expect("text");
        let line = text.lines().next().expect("a line");
        let round: u64 = line.split_once(' ').expect("a round").1.parse().expect("a number");
        assert!(last.get(key).is_none_or(|last| *last <= round), "{key} is of {round}");
        assert!(said.all("try write ").any(|told| told == format!("{key} {round}")), "{key} {round}");
        let lines = 20_000 * (round % 12 + 1);
        assert_eq!(bytes.len() as u64, lines * (line.len() as u64 + 1), "{key} is whole");
        assert!(text.lines().all(|other| other == line), "{key} is of one write");
    }
    keys.len()
}
