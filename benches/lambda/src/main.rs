//! A Lambda beside one written by hand on lambda_runtime: how it starts, answers, and weighs.

mod clients;
mod event;
mod hello;
mod http;
mod runtime_api;
mod services;
mod subject;

use skyport_measure::{Group, Metric, Outcome, Sample, Target};

use runtime_api::{RuntimeApi, Waiting};
use subject::Subject;

/// How many invocations the time of a warm one is taken from.
const WARM: usize = 300;

/// By how much a program may be larger, or hold more.
const EIGHT_PERCENT: Target = Target::AtMost(1.08);

fn main() -> Outcome {
    let mut group = Group::asked("lambda")?;
    hello::measure(&mut group)?;
    clients::measure(&mut group)?;
    group.done()
}

/// The rival's name in every row.
const RIVAL: &str = "lambda_http";

/// Compares the sizes of the programs.
fn sizes(group: &mut Group, name: &str, ours: &Subject, theirs: &Subject) -> Outcome {
    let size = |subject: &Subject| subject.size().map(|size| Sample::of(vec![size]));
    let metric = Metric::new("size", "bytes", EIGHT_PERCENT);
    group.row(name, metric, vec![("skyport", size(ours)?), (RIVAL, size(theirs)?)])
}

/// Hands the subject an event whose right answer is known, over and over: the median time in microseconds, and the subject as it waits.
fn warm(
    api: &mut RuntimeApi,
    mut waiting: Waiting,
    event: &[u8],
    right: &(u64, String),
) -> Outcome<(f64, Waiting)> {
    let mut took = Vec::with_capacity(WARM);
    for _ in 0..WARM {
        let answer = api.invoke(waiting, event)?;
        check(&answer.body, right)?;
        took.push((answer.answered - answer.handed).as_secs_f64() * 1e6);
        waiting = api.waiting()?;
    }
    Ok((Sample::of(took).median, waiting))
}

/// Refuses a wrong answer.
fn check(answer: &[u8], right: &(u64, String)) -> Outcome {
    match event::answer(answer) {
        Some(found) if found == *right => Ok(()),
        found => Err(format!("the answer is {found:?}, and not {right:?}").into()),
    }
}
