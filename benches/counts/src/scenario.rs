//! What is counted, and how.

use skyport_measure::{Outcome, allocated};
use tokio::runtime::{Builder, Runtime};

use crate::{dispatch, local, memory};

/// Operations before the count: what is made once is there then.
const WARM: u64 = 200;

/// Operations that are counted together.
const COUNTED: u64 = 100;

/// How often they are: the least counts, for a neighbour on the machine may make an answer come in two pieces.
const TRIES: u64 = 10;

/// One operation, on a runtime of one thread.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// `memory/blob/get`
    pub name: &'static str,
    /// Whether it takes the same instructions each time: nothing of it is done on another thread, or depends on the time.
    pub steady: bool,
    /// Prepares, and does it.
    pub perform: fn(Task) -> Outcome<f64>,
}

/// What is to be done with the operation.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Counts the allocations of one, on this thread.
    Count,
    /// Does it so often.
    Run(u64),
}

const fn steady(name: &'static str, perform: fn(Task) -> Outcome<f64>) -> Scenario {
    Scenario { name, steady: true, perform }
}

const fn unsteady(name: &'static str, perform: fn(Task) -> Outcome<f64>) -> Scenario {
    Scenario { name, steady: false, perform }
}

/// All there are.
pub const SCENARIOS: &[Scenario] = &[
    steady("dispatch/http", dispatch::http),
    steady("dispatch/http-with-a-parameter", dispatch::http_with_a_parameter),
    steady("dispatch/message", dispatch::message),
    steady("dispatch/messages-10", dispatch::messages),
    steady("dispatch/batch-10", dispatch::batch),
    steady("dispatch/schedule", dispatch::schedule),
    steady("server/get", dispatch::server_get),
    steady("server/post-1KiB", dispatch::server_post),
    steady("memory/blob/put", memory::blob_put),
    steady("memory/blob/get", memory::blob_get),
    steady("memory/blob/list-100", memory::blob_list),
    steady("memory/queue/cycle", memory::queue_cycle),
    steady("memory/kv/get", memory::kv_get),
    steady("memory/kv/put", memory::kv_put),
    steady("memory/kv/put-if-version", memory::kv_put_if_version),
    unsteady("local/kv/get", local::kv_get),
    unsteady("local/kv/put", local::kv_put),
    unsteady("local/queue/cycle", local::queue_cycle),
];

/// The one thread on which a scenario runs.
///
/// # Errors
/// Where the system gives none.
pub fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Does the task with an operation that is prepared.
///
/// # Errors
/// What the operation fails with.
pub fn perform(runtime: &Runtime, mut operation: impl AsyncFnMut() -> Outcome, task: Task) -> Outcome<f64> {
    let mut repeat = |times: u64| -> Outcome {
        runtime.block_on(async {
            for _ in 0..times {
                operation().await?;
            }
            Ok(())
        })
    };
    match task {
        Task::Run(times) => repeat(times).map(|()| 0.0),
        Task::Count => {
            repeat(WARM)?;
            let mut least = u64::MAX;
            for _ in 0..TRIES {
                let mut outcome = Ok(());
                let taken = allocated(|| outcome = repeat(COUNTED));
                outcome?;
                least = least.min(taken.times);
            }
            Ok(least as f64 / COUNTED as f64)
        }
    }
}
