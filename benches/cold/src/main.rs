//! The programs of Cloud Run and Azure Functions beside axum with the raw SDKs: how they start, and weigh.

mod grpc;
mod platform;
mod services;
mod subject;

use skyport_measure::{Contender, Group, Metric, Outcome, Sample, Target};

use platform::{Platform, Variables};
use services::Services;
use subject::{Ask, Subject};

/// Starts of one round, of which the median counts.
const STARTS: usize = 5;

/// A request that needs no resource.
const HELLO: Ask = Ask { line: "GET /hello/Ada", body: "", status: "HTTP/1.1 200 ", answer: "Hello, Ada!\n" };

/// A request that writes an object, an item and a message.
const ORDER: Ask = Ask {
    line: "POST /orders/1",
    body: r#"{"customer":"Ada","cents":1250}"#,
    status: "HTTP/1.1 201 ",
    answer: "",
};

fn main() -> Outcome {
    let mut group = Group::asked("cold")?;
    let folder = tempfile::tempdir()?;
    let services = Services::start()?;
    for (name, platform) in [("cloud-run", Platform::CloudRun), ("azure", Platform::AzureFunctions)] {
        let real = platform.real(folder.path())?;
        let hello = format!("{name}/hello");
        if let Some(pair) =
            pair(&group, &hello, [&format!("{name}-hello-ours"), "axum-hello-theirs"], platform)?
        {
            measure(&mut group, &hello, &pair, &real)?;
        }
        let clients = format!("{name}/clients");
        let programs = [&*format!("{name}-clients-ours"), &format!("{name}-clients-theirs")];
        if let Some(pair) = pair(&group, &clients, programs, platform)? {
            measure(&mut group, &clients, &pair, &real)?;
            first_use(&mut group, &clients, &pair, &services, &platform.at(services.address))?;
        }
    }
    group.done()
}

/// Ours and theirs, built, where any row of that name is asked for.
struct Pair {
    ours: Subject,
    theirs: Subject,
    rival: &'static str,
}

fn pair(group: &Group, name: &str, programs: [&str; 2], platform: Platform) -> Outcome<Option<Pair>> {
    if !group.wants(name) {
        return Ok(None);
    }
    let [ours, theirs] = programs;
    let rival = if theirs.starts_with("axum") { "axum" } else { "axum with the raw clients" };
    let subject = |name| Subject::new(name, platform);
    Ok(Some(Pair { ours: subject(ours)?, theirs: subject(theirs)?, rival }))
}

/// The first answer, to a request that needs no resource; memory after it; size.
fn measure(group: &mut Group, name: &str, pair: &Pair, real: &Variables) -> Outcome {
    let metrics = [
        Metric::new("first-answer", "ms", Target::AtMost(1.05)),
        Metric::new("memory", "bytes", Target::AtMost(1.05)),
    ];
    let round = |subject: &Subject| starts(subject, HELLO, real, || Ok(()));
    let ours = Contender::elsewhere("ours", || round(&pair.ours));
    let theirs = vec![Contender::elsewhere(pair.rival, || round(&pair.theirs))];
    let plan = group.plan();
    group.contest(name, metrics, plan, ours, theirs)?;
    let size = |subject: &Subject| subject.size().map(|size| Sample::of(vec![size]));
    let sizes = vec![("ours", size(&pair.ours)?), (pair.rival, size(&pair.theirs)?)];
    group.row(name, Metric::new("size", "bytes", Target::AtMost(1.05)), sizes)
}

/// The first answer, to a request that uses each client for the first time.
fn first_use(group: &mut Group, name: &str, pair: &Pair, services: &Services, at: &Variables) -> Outcome {
    let metrics = [
        Metric::new("first-use", "ms", Target::AtMost(1.05)),
        Metric::new("memory-in-use", "bytes", Target::AtMost(1.05)),
    ];
    let written = || match services.written() {
        [1, 1, 1] => Ok(()),
        other => Err(format!("objects, items and messages that were written: {other:?}").into()),
    };
    let round = |subject: &Subject| starts(subject, ORDER, at, written);
    let ours = Contender::elsewhere("ours", || round(&pair.ours));
    let theirs = vec![Contender::elsewhere(pair.rival, || round(&pair.theirs))];
    let plan = group.plan();
    group.contest(name, metrics, plan, ours, theirs)
}

/// Several starts, each checked: milliseconds and bytes.
fn starts(
    subject: &Subject,
    ask: Ask,
    variables: &Variables,
    check: impl Fn() -> Outcome,
) -> Outcome<[f64; 2]> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let start = subject.start(ask, variables)?;
        check()?;
        times.push(start.time.as_secs_f64() * 1e3);
        memory.push(start.memory);
    }
    Ok([Sample::of(times).median, Sample::of(memory).median])
}
