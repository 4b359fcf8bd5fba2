//! The application.

use std::collections::BTreeMap;
use std::io::Write;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use skyport::prelude::*;
use skyport_e2e::tally::{CONCURRENCY, RESTS, content};

/// The partition of the counters.
const COUNTERS: &str = "jobs";

/// The dead letters, once somebody has asked for them.
static DEAD: OnceLock<Queue<Job>> = OnceLock::new();

#[derive(Resources)]
struct Tally {
    jobs: Queue<Job>,
    effects: Table<i64>,
    results: Bucket,
}

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    number: u32,
    doomed: bool,
}

/// One line in one write: a process that is killed has said all of it or nothing.
fn say(what: &str, number: u32) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(format!("{what} {number}\n").as_bytes())
}

async fn accept(request: Request, cx: Context<Tally>) -> Result<StatusCode> {
    let number: u32 = request.path_param("number")?;
    let doomed = request.query_param::<bool>("doomed")?.unwrap_or(false);
    cx.jobs.send(&Job { number, doomed }).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn work(job: Message<Job>, cx: Context<Tally>) -> Result<()> {
    let number = job.number;
    say("begin", number)?;
    if job.doomed {
        return Err(HandlerError::fatal("it was doomed"));
    }
    let name = number.to_string();
    cx.effects.increment((COUNTERS, name.as_str()), 1).await?;
    cx.results.put(&name, content(number)).await?;
    say("done", number)?;
    Ok(())
}

async fn counts(_: Request, cx: Context<Tally>) -> Result<Response> {
    let mut counts = BTreeMap::new();
    let mut entries = pin!(cx.effects.query(COUNTERS).stream());
    while let Some(entry) = entries.try_next().await? {
        counts.insert(entry.key.sort.to_string(), entry.value);
    }
    Response::json(&counts)
}

async fn result(request: Request, cx: Context<Tally>) -> Result<Response> {
    let number: String = request.path_param("number")?;
    Ok(Response::ok(cx.results.get(&number).await?.into_body()))
}

/// Some dead letters with their reasons, leased for a minute.
async fn dead(_: Request, cx: Context<Tally>) -> Result<Response> {
    let letters = cx.jobs.dead_letters()?;
    // One handle for all requests: with its last handle a queue's receive ends, and what it is just being given comes again late.
    let letters = DEAD.get_or_init(|| letters);
    let letters = letters.receive(10, Duration::from_secs(1), Duration::from_secs(60)).await?;
    let told = letters.iter().map(|letter| {
        let job = letter.value()?;
        Ok((job.number, job.doomed, letter.reason().unwrap_or_default().to_owned()))
    });
    let told: Vec<(u32, bool, String)> = told.collect::<Result<_, skyport::Error>>()?;
    Response::json(&told)
}

/// Serves until it is stopped, or killed.
pub(crate) async fn run() -> Result<(), skyport::Error> {
    let app = App::new("tally")
        .http("accept", route::post("/jobs/{number}"), accept)
        .http("counts", route::get("/counts"), counts)
        .http("result", route::get("/results/{number}"), result)
        .http("dead", route::get("/dead"), dead);
    if std::env::var_os(RESTS).is_some() {
        return skyport::run(app).await;
    }
    skyport::run(app.on_message("work", Tally::JOBS.concurrency(CONCURRENCY), work)).await
}
