//! The server adapter beside bare axum: each in a process of its own, asked by this one.

use std::net::SocketAddr;
use std::time::Instant;

use skyport_bench_dispatch::load::{self, Client, Exchange};
use skyport_bench_dispatch::served;
use skyport_measure::{
    Alone, Beside, Contender, Curve, Group, Line, Metric, Outcome, Point, Sample, Scale, Target,
};
use tokio::runtime::{Builder, Runtime};

use crate::bare;

/// How many threads a server has.
const WORKERS: usize = 2;

/// The curve's name.
const CONCURRENCY: &str = "server-concurrency";

/// Of those that are asked.
const NAMES: [&str; 2] = ["skyport", "axum"];

/// Serves in this process, until the one that started it has gone.
///
/// # Errors
/// Where it cannot.
pub fn serve(alone: &Alone) -> Outcome {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let tell = |address: SocketAddr| alone.tell(&address);
    let serving = async {
        match alone.0.first().map(String::as_str) {
            Some("skyport") => served::serve(tell).await,
            Some("axum") => bare::serve(tell).await,
            other => Err(format!("who is {other:?}?").into()),
        }
    };
    // In a task, as a server's connections are: who waits outside of the runtime is no worker.
    runtime.block_on(async {
        let left = tokio::task::spawn_blocking({
            let alone = alone.clone();
            move || alone.until_left()
        });
        tokio::select! {
            served = serving => served,
            left = left => Ok(left?),
        }
    })
}

/// A server, and the connections to it.
struct Served {
    name: &'static str,
    address: SocketAddr,
    _server: Beside,
}

impl Served {
    fn start(name: &'static str) -> Outcome<Self> {
        let (server, address) = Beside::start(&[name])?;
        Ok(Self { name, address, _server: server })
    }

    fn connect(&self, runtime: &Runtime, connections: usize) -> Outcome<Vec<Client>> {
        (0..connections).map(|_| runtime.block_on(Client::connect(self.address))).collect()
    }
}

/// Seconds that so many requests take.
fn timed(runtime: &Runtime, clients: &mut [Client], exchange: &Exchange, requests: usize) -> Outcome<f64> {
    let began = Instant::now();
    runtime.block_on(load::all(clients, exchange, requests))?;
    Ok(began.elapsed().as_secs_f64())
}

/// Measures small and long bodies, on one connection and on several.
///
/// # Errors
/// Where a server does not answer as it must.
pub fn measure(group: &mut Group) -> Outcome {
    if !group.wants("server") && !group.wants(CONCURRENCY) {
        return Ok(());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let [ours, theirs] = [Served::start(NAMES[0])?, Served::start(NAMES[1])?];
    let plan = group.plan();
    for (name, exchange, requests) in [
        ("get", Exchange::get(), plan.pick(8_000, 1_600)),
        ("post-1KiB", Exchange::echo(1 << 10), plan.pick(8_000, 1_600)),
        ("download-1MiB", Exchange::download(), plan.pick(320, 64)),
        ("upload-1MiB", Exchange::upload(), plan.pick(320, 64)),
    ] {
        for connections in [1, 32] {
            let name = format!("server/{name}/{connections}c");
            let contender = |served: &Served| -> Outcome<_> {
                let mut clients = served.connect(&runtime, connections)?;
                let (runtime, exchange) = (&runtime, exchange.clone());
                let round =
                    move || Ok([requests as f64 / timed(runtime, &mut clients, &exchange, requests)?]);
                Ok(Contender::elsewhere(served.name, round))
            };
            let metric = [Metric::new("", "op/s", Target::AtLeast(0.95))];
            group.contest(&name, metric, plan, contender(&ours)?, vec![contender(&theirs)?])?;
        }
    }
    if group.wants(CONCURRENCY) {
        let curve = concurrency(group, &runtime, &[ours, theirs])?;
        group.curve(curve);
    }
    Ok(())
}

/// How long a request takes while more and more are asked at once.
fn concurrency(group: &Group, runtime: &Runtime, servers: &[Served]) -> Outcome<Curve> {
    let (rounds, requests) = (group.plan().pick(9, 3), group.plan().pick(8_192, 2_048));
    let exchange = Exchange::get();
    let mut lines: Vec<Line> = servers
        .iter()
        .map(|server| Line { name: server.name.to_owned(), points: Vec::new(), exponent: 0.0 })
        .collect();
    for connections in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        let mut took = vec![Vec::new(); servers.len()];
        let mut clients =
            servers.iter().map(|server| server.connect(runtime, connections)).collect::<Outcome<Vec<_>>>()?;
        for clients in &mut clients {
            timed(runtime, clients, &exchange, requests / 4)?;
        }
        for _ in 0..rounds {
            for (clients, took) in clients.iter_mut().zip(&mut took) {
                took.push(timed(runtime, clients, &exchange, requests)? * 1e6 / requests as f64);
            }
        }
        for (line, took) in lines.iter_mut().zip(took) {
            line.points.push(Point { at: connections as f64, took: Sample::of(took) });
        }
    }
    Ok(Curve {
        name: CONCURRENCY.to_owned(),
        title: "A small GET of the server adapter while more ask at once".to_owned(),
        along: "connections".to_owned(),
        up: "us a request".to_owned(),
        expected: "flat, below its beginning: once both processors are busy, more connections only wait for one another".to_owned(),
        scale: Scale::Logarithmic,
        tolerance: 1.0,
        lines,
    })
}
