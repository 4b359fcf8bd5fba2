//! A function that greets.

use std::cell::RefCell;

use skyport_measure::{Contender, Group, Metric, Outcome, Sample, Target};

use crate::runtime_api::RuntimeApi;
use crate::subject::Subject;
use crate::{EIGHT_PERCENT, RIVAL, check, event, sizes, warm};

/// Adds the rows of `hello`.
pub(crate) fn measure(group: &mut Group) -> Outcome {
    if !group.wants("hello") {
        return Ok(());
    }
    let (ours, theirs) = (Subject::new("hello-ours", Vec::new())?, Subject::new("hello-theirs", Vec::new())?);
    sizes(group, "hello", &ours, &theirs)?;
    let api = RefCell::new(RuntimeApi::start()?);
    let starts = group.plan().pick(15, 5);
    let metrics = [
        Metric::new("exec to first next", "ms", Target::AtMostMore(0.3)),
        Metric::new("round trip", "us", Target::AtMostMore(10.0)),
        Metric::new("memory", "bytes", EIGHT_PERCENT),
    ];
    let contender = |name, subject| {
        let api = &api;
        Contender::elsewhere(name, move || round(subject, &mut api.borrow_mut(), starts))
    };
    let (ours, rivals) = (contender("skyport", &ours), vec![contender(RIVAL, &theirs)]);
    group.contest("hello", metrics, group.plan(), ours, rivals)
}

/// Starts the subject several times, and greets from each process; from the last one many times.
fn round(subject: &Subject, api: &mut RuntimeApi, starts: usize) -> Outcome<[f64; 3]> {
    let event = event::http("GET", "/hello/Ada", None);
    let right = (200, "Hello, Ada!".to_owned());
    let (mut next, mut memory, mut trip) = (Vec::new(), Vec::new(), 0.0);
    for start in 1..=starts {
        let (running, waiting) = subject.start(api)?;
        next.push((waiting.since - running.started).as_secs_f64() * 1e3);
        check(&api.invoke(waiting, &event)?.body, &right)?;
        let waiting = api.waiting()?;
        memory.push(running.peak_memory()?);
        if start == starts {
            (trip, _) = warm(api, waiting, &event, &right)?;
        }
    }
    Ok([Sample::of(next).median, trip, Sample::of(memory).median])
}
