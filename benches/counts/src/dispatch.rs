//! Events through `App`, and requests through the server adapter.

use http::Method;
use skyport_bench_dispatch::application::{self, HELLO};
use skyport_bench_dispatch::events::{self, MESSAGES};
use skyport_bench_dispatch::load::{Client, Exchange};
use skyport_bench_dispatch::served;
use skyport_core::app::Event;
use skyport_measure::Outcome;
use tokio::sync::oneshot;

use crate::scenario::{Task, perform, runtime};

/// What is not as it must be is an error: a scenario that fails counts nothing.
fn expect(got: usize, wanted: usize) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{got} instead of {wanted}").into()) }
}

fn get(path: &str, answer: usize, task: Task) -> Outcome<f64> {
    let functions = application::bound()?;
    let operation = async || {
        let request = events::request(Method::GET, path, "")?;
        expect(events::http(&functions, request).await?, answer)
    };
    perform(&runtime()?, operation, task)
}

pub fn http(task: Task) -> Outcome<f64> {
    get("/hello", HELLO.len(), task)
}

pub fn http_with_a_parameter(task: Task) -> Outcome<f64> {
    get("/hello/Ada", 3, task)
}

fn deliver(name: &str, count: usize, task: Task) -> Outcome<f64> {
    let functions = application::bound()?;
    let operation =
        async || expect(events::deliver(&functions, name, events::deliveries(count)).await?, count);
    perform(&runtime()?, operation, task)
}

pub fn message(task: Task) -> Outcome<f64> {
    deliver("take", 1, task)
}

pub fn messages(task: Task) -> Outcome<f64> {
    deliver("take", MESSAGES, task)
}

pub fn batch(task: Task) -> Outcome<f64> {
    deliver("take-all", MESSAGES, task)
}

pub fn schedule(task: Task) -> Outcome<f64> {
    let functions = application::bound()?;
    let operation =
        async || expect(events::event(&functions, "tick", Event::Schedule(events::instant())).await?, 1);
    perform(&runtime()?, operation, task)
}

/// A request over one connection; server and client on this thread. The client takes nothing from the heap.
fn server(exchange: &Exchange, task: Task) -> Outcome<f64> {
    let runtime = runtime()?;
    let (sender, address) = oneshot::channel();
    runtime.spawn(served::serve(move |address| sender.send(address).map_err(|_| "nobody asks".into())));
    let mut client = runtime.block_on(async { Client::connect(address.await?).await })?;
    perform(&runtime, async || client.exchange(exchange).await, task)
}

pub fn server_get(task: Task) -> Outcome<f64> {
    server(&Exchange::get(), task)
}

pub fn server_post(task: Task) -> Outcome<f64> {
    server(&Exchange::echo(1 << 10), task)
}
