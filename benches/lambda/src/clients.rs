//! A function with a bucket, a queue and a table.

use std::cell::RefCell;

use skyport_measure::{Contender, Group, Metric, Outcome, Sample, Target};

use crate::runtime_api::RuntimeApi;
use crate::services::Services;
use crate::subject::Subject;
use crate::{EIGHT_PERCENT, RIVAL, check, event, sizes, warm};

/// Adds the rows of `clients`.
pub(crate) fn measure(group: &mut Group) -> Outcome {
    if !group.wants("clients") {
        return Ok(());
    }
    let services = Services::start()?;
    let variables = || variables(&services);
    let (ours, theirs) =
        (Subject::new("clients-ours", variables())?, Subject::new("clients-theirs", variables())?);
    sizes(group, "clients", &ours, &theirs)?;
    let api = RefCell::new(RuntimeApi::start()?);
    let starts = group.plan().pick(9, 3);
    let metrics = [
        Metric::new("exec to first next", "ms", Target::AtMost(1.0)),
        Metric::new("exec to first answer of all three", "ms", Target::AtMost(1.05)),
        Metric::new("round trip", "us", Target::AtMostMore(10.0)),
        Metric::new("memory", "bytes", EIGHT_PERCENT),
    ];
    let contender = |name, subject| {
        let (api, services) = (&api, &services);
        Contender::elsewhere(name, move || round(subject, &mut api.borrow_mut(), services, starts))
    };
    let (ours, rivals) = (contender("skyport", &ours), vec![contender(RIVAL, &theirs)]);
    group.contest("clients", metrics, group.plan(), ours, rivals)
}

/// What both are given: where the services are, and each its own names.
fn variables(services: &Services) -> Vec<(&'static str, String)> {
    let endpoint = format!("http://{}", services.address);
    vec![
        ("AWS_ENDPOINT_URL", endpoint.clone()),
        ("SKYPORT_TEXTS", "s3://texts".to_owned()),
        ("SKYPORT_INDEX", "dynamodb://index".to_owned()),
        ("SKYPORT_WRITTEN", "sqs://written".to_owned()),
        ("BUCKET", "texts".to_owned()),
        ("TABLE", "index".to_owned()),
        ("QUEUE_URL", format!("{endpoint}/123456789012/written")),
    ]
}

/// Starts the subject several times, and writes a note from each process: each client is used for the first time. The last process
/// then answers many requests that need no client.
fn round(subject: &Subject, api: &mut RuntimeApi, services: &Services, starts: usize) -> Outcome<[f64; 4]> {
    let write = event::http("PUT", "/notes/first", Some("a note of a few words"));
    let (ready, right) = (event::http("GET", "/", None), (200, "ready".to_owned()));
    let (mut next, mut first, mut memory, mut trip) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for start in 1..=starts {
        let (running, waiting) = subject.start(api)?;
        next.push((waiting.since - running.started).as_secs_f64() * 1e3);
        services.written();
        let answer = api.invoke(waiting, &write)?;
        check(&answer.body, &(201, String::new()))?;
        if services.written() != [1, 1, 1] {
            return Err("the note, its item and its message were not written once each".into());
        }
        first.push((answer.answered - running.started).as_secs_f64() * 1e3);
        let waiting = api.waiting()?;
        memory.push(running.peak_memory()?);
        if start == starts {
            (trip, _) = warm(api, waiting, &ready, &right)?;
        }
    }
    Ok([Sample::of(next).median, Sample::of(first).median, trip, Sample::of(memory).median])
}
