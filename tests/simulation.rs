//! What `skyport::testing::Simulation` promises: it finds what breaks, finds nothing where all holds, and says how to see it again.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::future::join_all;
use skyport::prelude::*;
use skyport::testing::{
    Chaos, Driven, Fault, Operation, Phase, Shrinking, Simulation, Test, Violation, dead_letters,
};
use skyport::{BoxError, ErrorKind};

/// A slow machine is to find the fewest faults, too.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Resources)]
struct Mail {
    #[resource(max_attempts = 8)]
    outbox: Queue<u64>,
    sent: Table<u64>,
    count: Table<i64>,
}

/// Whoever has no answer may ask again with the same number.
async fn accept(request: Request, cx: Context<Mail>) -> Result<StatusCode> {
    let letter: u64 = request.path_param("letter")?;
    cx.outbox.send(&letter).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A letter that comes twice is sent once, and counted at least once.
async fn deliver(letter: Message<u64>, cx: Context<Mail>) -> Result<()> {
    cx.sent.put(letter.to_string(), &letter).await?;
    cx.count.increment("letters", 1).await?;
    Ok(())
}

/// What another call counts between the two steps is lost.
async fn deliver_with_a_race(letter: Message<u64>, cx: Context<Mail>) -> Result<()> {
    cx.sent.put(letter.to_string(), &letter).await?;
    let count = cx.count.get("letters").await?.map_or(0, |count| *count);
    cx.count.put("letters", &(count + 1)).await?;
    Ok(())
}

fn correct() -> App<Mail> {
    mail().on_message("deliver", Mail::OUTBOX, deliver)
}

fn racy() -> App<Mail> {
    mail().on_message("deliver", Mail::OUTBOX, deliver_with_a_race)
}

fn mail() -> App<Mail> {
    App::new("mail").http("accept", route::put("/letters/{letter}"), accept)
}

/// Hands in twelve letters at once, each until it is accepted.
async fn clients(test: &Test<Mail>, _: u64) -> BTreeSet<u64> {
    let handed_in = (0..12).map(async |letter| {
        for _ in 0..20 {
            let response = test.put(&format!("/letters/{letter}"), "").await;
            if response.status() == 202 {
                return Some(letter);
            }
            assert!(response.status().is_server_error(), "{}", response.text());
            test.advance(Duration::from_secs(1)).await;
        }
        None
    });
    join_all(handed_in).await.into_iter().flatten().collect()
}

/// The letters that were given up.
async fn dead(mail: &Mail) -> Result<BTreeSet<u64>, BoxError> {
    let letters = dead_letters(&mail.outbox).await?;
    letters.iter().map(|letter| Ok(letter.value()?)).collect()
}

async fn nothing_is_lost(mail: &Mail, accepted: &BTreeSet<u64>) -> Result<(), BoxError> {
    let (dead, mut missing) = (dead(mail).await?, Vec::new());
    for letter in accepted.difference(&dead) {
        if mail.sent.get(letter.to_string()).await?.is_none() {
            missing.push(letter);
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("accepted, and neither sent nor dead: {missing:?}").into())
    }
}

async fn all_are_counted(mail: &Mail, accepted: &BTreeSet<u64>) -> Result<(), BoxError> {
    let alive = accepted.difference(&dead(mail).await?).count() as i64;
    let counted = mail.count.get("letters").await?.map_or(0, |count| *count);
    if counted >= alive {
        Ok(())
    } else {
        Err(format!("{alive} letters were sent, {counted} counted").into())
    }
}

fn mails(app: fn() -> App<Mail>) -> Simulation<Mail, Driven<Mail, BTreeSet<u64>>> {
    let simulation = Simulation::new("mail", app).shrink_limit(PATIENCE).drive(clients);
    simulation.check(nothing_is_lost).check(all_are_counted)
}

/// Tests by these names are run by `cargo xtask simulate`.
mod simulation {
    use super::*;

    #[test]
    fn mail_loses_nothing_and_counts_all() {
        let report = mails(correct).run();
        skyport_figures::record("simulation::mail", &report.to_string());
    }
}

#[test]
fn an_application_that_keeps_its_promises_has_no_violation_in_500_seeds() {
    let report = mails(correct).seeds(500).all().explore();
    assert_eq!((report.seeds, report.violations), (500, 0), "{:?}", report.found);
    assert!(report.faults > 500, "{report}");
    assert_eq!(report.to_string(), format!("500 seeds, {} faults, 0 violations", report.faults));
}

#[test]
fn a_race_is_found_within_a_few_seeds() {
    let report = mails(racy).seeds(50).explore();
    let found = only(report.found);
    assert_eq!((report.violations, found.phase), (1, Phase::Check(2)));
    assert!(found.what.contains("counted"), "{found}");
}

#[test]
fn an_effect_that_is_repeated_is_found_and_shrunk_to_the_fault_that_repeats_it() {
    let once = async |mail: &Mail, accepted: &BTreeSet<u64>| {
        let counted = mail.count.get("letters").await?.map_or(0, |count| *count);
        let most = accepted.len() as i64;
        if counted <= most { Ok(()) } else { Err(format!("{most} letters, {counted} counted").into()) }
    };
    let found = only(mails(correct).seeds(200).check(once).explore().found);
    assert_eq!(found.phase, Phase::Check(3));
    assert!(matches!(found.shrinking, Shrinking::Fewest(_)), "{found}");
    assert_eq!(found.faults.len(), 1, "{found}");
}

fn only(found: Vec<Violation>) -> Violation {
    let [found]: [Violation; 1] = found.try_into().expect("one violation");
    found
}

/// Writes forty items; each of the writes may fail, and it matters of two of them.
fn planted() -> Simulation<Mail, Driven<Mail, Vec<u64>>> {
    let often = |seed| {
        let failing = Chaos::quiet(seed).rate(Operation::KvWrite, Fault::refuse(ErrorKind::Unavailable), 0.8);
        failing.rate(Operation::KvGet, Fault::slow(Duration::from_secs(1)), 0.8)
    };
    Simulation::new("planted", mail)
        .shrink_limit(PATIENCE)
        .chaos(often)
        .drive(async |test: &Test<Mail>, _| {
            let mut failed = Vec::new();
            for n in 1..=40 {
                drop(test.resources().sent.get("0").await);
                if test.resources().sent.put(n.to_string(), &n).await.is_err() {
                    failed.push(n);
                }
            }
            failed
        })
        .check(
            async |_: &Mail, failed: &Vec<u64>| {
                if failed.contains(&7) && failed.contains(&31) { Err("both are lost".into()) } else { Ok(()) }
            },
        )
}

#[test]
fn of_dozens_of_faults_exactly_the_two_are_left_that_must_meet() {
    let found = only(planted().explore().found);
    assert!(found.injected > 24, "{}", found.injected);
    let shown: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 2, "{found}");
    assert!(shown[0].contains("kv.write") && shown[0].contains("sent") && shown[0].contains('7'), "{found}");
    assert!(shown[1].contains("kv.write") && shown[1].contains("sent") && shown[1].contains("31"), "{found}");
    assert!(matches!(found.shrinking, Shrinking::Fewest(runs) if runs < 200), "{found}");
    let text = found.to_string();
    let name = "of_dozens_of_faults_exactly_the_two_are_left_that_must_meet";
    assert!(text.starts_with(&format!("seed {}, check 1: both are lost\n", found.seed)), "{text}");
    let package =
        std::env::var("CARGO_PKG_NAME").map_or_else(|_| String::new(), |name| format!("-p {name} "));
    let again = format!("again: SKYPORT_SEED={} cargo test {package}{name}", found.seed);
    assert!(text.ends_with(&again), "{text}");
}

#[test]
fn every_violation_is_counted_where_all_are_wanted() {
    let report = planted().seeds(40).all().explore();
    assert_eq!(report.seeds, 40);
    assert!(report.violations > 10 && report.violations < 40, "{report}");
    assert_eq!(report.found.len() as u64, report.violations);
    assert!(report.found.is_sorted_by_key(|found| found.seed));
    let mut shrunk = report.found.iter().map(|found| found.faults.len() == 2);
    assert!(shrunk.next().expect("one") && !shrunk.any(|is| is), "the first alone is shrunk");
}

#[test]
fn shrinking_ends_with_its_time() {
    let found = only(planted().shrink_limit(Duration::ZERO).explore().found);
    assert_eq!((found.shrinking, found.faults.len()), (Shrinking::CutShort(0), found.injected));
}

#[test]
fn what_happens_by_itself_is_told_to_need_no_fault() {
    let first = Fault::slow(Duration::from_secs(1)).nth(1);
    let simulation =
        mails(correct).chaos(move |seed| Chaos::seeded(seed).script(Operation::KvWrite, first.clone()));
    let simulation = simulation.check(async |_: &Mail, _: &BTreeSet<u64>| Err("it rains".into()));
    let found = only(simulation.explore().found);
    assert_eq!((found.seed, found.phase, found.faults.len()), (0, Phase::Check(3), 0));
    assert!(found.injected > 0);
    assert!(found.to_string().contains("it needs no fault: it happens by itself"), "{found}");
}

/// The faults of each seed, as they are shown.
fn traces(seeds: u64, threads: usize) -> BTreeMap<u64, Vec<String>> {
    let traces = Arc::new(Mutex::new(BTreeMap::new()));
    let noted = Arc::clone(&traces);
    let drive = async move |test: &Test<Mail>, seed| {
        let accepted = clients(test, seed).await;
        test.settle().await;
        let trace = test.trace().iter().map(ToString::to_string).collect();
        noted.lock().expect("no panic").insert(seed, trace);
        accepted
    };
    let simulation = Simulation::new("traces", correct).seeds(seeds).threads(threads).drive(drive);
    let report = simulation.check(nothing_is_lost).explore();
    assert_eq!(report.violations, 0, "{:?}", report.found);
    let traces = traces.lock().expect("no panic");
    traces.clone()
}

#[test]
fn a_seed_has_the_same_faults_byte_for_byte_each_time_and_another_seed_has_others() {
    let (first, second) = (traces(60, 2), traces(60, 1));
    assert_eq!(first.len(), 60);
    assert_eq!(first, second);
    let different: BTreeSet<_> = first.values().collect();
    assert!(different.len() > 40, "{}", different.len());
}

#[test]
fn a_violation_is_the_same_each_time() {
    let [first, second] = [1, 4].map(|threads| only(mails(racy).seeds(500).threads(threads).explore().found));
    assert_eq!(first, second);
    assert_eq!(first.to_string(), second.to_string());
}

#[test]
fn a_panic_of_what_drives_it_is_a_violation_with_its_text_and_place() {
    let drive = async |_: &Test<Mail>, seed: u64| assert!(seed < 3, "the client gives up");
    let found = only(Simulation::new("panic", mail).threads(1).drive(drive).explore().found);
    assert_eq!((found.seed, found.phase), (3, Phase::Drive));
    assert!(found.what.starts_with("the client gives up, at tests/simulation.rs:"), "{}", found.what);
}

#[test]
fn a_panic_of_a_handler_is_what_it_is_in_production() {
    let panics = |_: Message<u64>, _: Context<Mail>| async { panic!("a bug") };
    let app = move || mail().on_message("deliver", Mail::OUTBOX, panics);
    let simulation = Simulation::new("dead", app).seeds(10).drive(clients);
    simulation
        .check(
            async |mail: &Mail, accepted: &BTreeSet<u64>| {
                if dead(mail).await?.is_superset(accepted) { Ok(()) } else { Err("not all are dead".into()) }
            },
        )
        .run();
}

#[test]
fn an_application_that_does_not_start_is_told_with_what_is_wrong_with_it() {
    let app = || mail().http("accept", route::get("/"), accept);
    let simulation = Simulation::new("wrong", app).drive(async |_: &Test<Mail>, _| ());
    let found = only(simulation.explore().found);
    assert_eq!(found.phase, Phase::Start);
    assert!(found.what.contains("two functions are called `accept`"), "{found}");
}

#[test]
fn what_waits_for_ever_is_found_by_virtual_time() {
    let drive = async |_: &Test<Mail>, _| std::future::pending::<()>().await;
    let simulation = Simulation::new("waits", correct).virtual_limit(Duration::from_secs(7_200)).drive(drive);
    let found = only(simulation.explore().found);
    assert_eq!(found.phase, Phase::Drive);
    assert!(found.what.contains("2 h of virtual time"), "{}", found.what);
}

#[test]
fn a_handler_that_blocks_its_thread_is_found_by_real_time_and_its_seed_told() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let app = move || {
        let blocked = Arc::clone(&blocked);
        let blocking = move |_: Message<u64>, _: Context<Mail>| {
            let blocked = Arc::clone(&blocked);
            async move {
                // Until the test is over.
                blocked.lock().expect("no panic").recv()?;
                Ok(())
            }
        };
        mail().on_message("deliver", Mail::OUTBOX, blocking)
    };
    let simulation = Simulation::new("blocks", app).threads(1).all().real_limit(Duration::from_millis(300));
    let report = simulation.drive(clients).explore();
    drop(release);
    assert_eq!(report.seeds, 1, "it stops where a thread is lost");
    let found = only(report.found);
    assert_eq!((found.seed, found.shrinking), (0, Shrinking::Not));
    assert!(found.what.contains("300ms of real time"), "{found}");
}

#[test]
fn what_is_done_after_the_faults_meets_none_and_settles_again() {
    let simulation = mails(correct).seeds(20).then(async |test: &Test<Mail>| {
        let before = test.trace().len();
        test.put("/letters/99", "").await.assert_status(202);
        test.settle().await;
        assert_eq!(test.trace().len(), before);
    });
    let simulation =
        simulation.check(
            async |mail: &Mail, _: &BTreeSet<u64>| {
                if mail.sent.get("99").await?.is_some() { Ok(()) } else { Err("not sent".into()) }
            },
        );
    simulation.run();
}

#[test]
fn a_run_that_depends_on_more_than_its_seed_is_told_so() {
    let runs = Arc::new(Mutex::new(0));
    let drive = async move |_: &Test<Mail>, _| {
        let mut runs = runs.lock().expect("no panic");
        *runs += 1;
        assert!(*runs > 1, "only the first time");
    };
    let found = only(Simulation::new("once", mail).threads(1).drive(drive).explore().found);
    assert_eq!(found.shrinking, Shrinking::NotRepeated);
    assert!(found.to_string().contains("depends on something beside the seed"), "{found}");
}

#[test]
#[should_panic(expected = "it rains")]
fn run_panics_with_the_violation() {
    mails(correct).check(async |_: &Mail, _: &BTreeSet<u64>| Err("it rains".into())).run();
}

/// This program again, with one test of it and a variable set; what it says.
fn again(test: &str, variable: &str, value: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([test, "--exact", "--nocapture"])
        .env_remove("SKYPORT_FIGURES")
        .env_remove("SKYPORT_SEED")
        .env_remove("SKYPORT_SEEDS")
        .env(variable, value)
        .output()
        .expect("it starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_number_of_seeds_is_overridden_from_outside() {
    let said = again("simulation::mail_loses_nothing_and_counts_all", "SKYPORT_SEEDS", "7");
    assert!(said.contains("simulated mail: 7 seeds, ") && said.contains("test result: ok"), "{said}");
}

#[test]
fn one_seed_is_replayed_from_outside_and_shows_all_its_faults() {
    let name = "simulation::mail_loses_nothing_and_counts_all";
    let [one, other] = [(); 2].map(|()| {
        let said = again(name, "SKYPORT_SEED", "5");
        let (_, told) = said.split_once("mail: ").expect("a trace");
        told.split_once("\ntest result").expect("a result").0.to_owned()
    });
    assert_eq!(one, other);
    assert!(one.contains("simulated mail: 1 seeds, ") && one.lines().count() > 3, "{one}");
}

#[test]
fn a_seed_that_is_replayed_is_not_shrunk_and_what_expects_a_violation_does_not_go_by_it() {
    let replayed = again("run_panics_with_the_violation", "SKYPORT_SEED", "0");
    assert!(replayed.contains("test result: ok"), "{replayed}");
    assert!(
        replayed.contains("simulated mail: 1 seeds, ") && replayed.contains(" 1 violations"),
        "{replayed}"
    );
    let explored = again("every_violation_is_counted_where_all_are_wanted", "SKYPORT_SEED", "0");
    assert!(explored.contains("simulated planted: 40 seeds, "), "{explored}");
    assert!(explored.contains("test result: ok"), "{explored}");
}

#[test]
fn a_slip_in_the_environment_fails_the_test_that_it_would_have_left_out() {
    let said = again("simulation::mail_loses_nothing_and_counts_all", "SKYPORT_SEEDS", "lots");
    assert!(said.contains("test result: FAILED"), "{said}");
}
