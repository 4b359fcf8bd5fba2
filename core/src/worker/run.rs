//! The loop: receive what can be started, start it, and stop in good order.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::Worker;
use super::settle::Settler;
use super::task::Task;
use super::unit::{Held, units};
use crate::queue::poll;
use crate::retry::RetryPolicy;
use crate::{Error, Result, Shutdown};

/// What is left after the grace period to cancel handlers and to return their messages.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The pauses after receives that failed: from half a second, doubled up to half a minute.
fn receive_policy() -> RetryPolicy {
    RetryPolicy {
        base: Duration::from_millis(500),
        max_delay: Duration::from_secs(30),
        ..RetryPolicy::default()
    }
}

pub(super) async fn run(worker: Worker, stop: Shutdown) {
    let (settler, settling) = Settler::new(Arc::clone(&worker.queue));
    let cut = Shutdown::new();
    let grace = worker.config.grace;
    let (queue, stopping) = (worker.queue.info().resource.clone(), stop.clone());
    let task = Arc::new(Task::new(worker, settler, stop.clone(), cut.clone()));
    let mut tasks = JoinSet::new();
    // Beside the loop rather than a task of its own: all of it is dropped together.
    let working = async {
        receive_and_start(&task, &mut tasks, &stop).await;
        if timeout(grace, join_all(&mut tasks)).await.is_err() {
            cut.trigger();
            join_all(&mut tasks).await;
        }
        // The last of the settlers: the other future ends, too.
        drop(task);
    };
    let too_late = async {
        stopping.triggered().await;
        sleep(grace.saturating_add(LAST_WORDS)).await;
    };
    tokio::select! {
        biased;
        ((), ()) = async { tokio::join!(working, settling) } => {}
        () = too_late => {
            tracing::warn!(queue, "the queue does not answer; messages return when their leases end");
        }
    }
}

async fn join_all(tasks: &mut JoinSet<()>) {
    while let Some(joined) = tasks.join_next().await {
        note(joined);
    }
}

/// Handlers' panics are caught inside of a task; this one would be a provider's.
fn note(joined: Result<(), JoinError>) {
    if let Err(error) = joined {
        tracing::error!(%error, "a task of the worker broke off; its messages return when their leases end");
    }
}

async fn receive_and_start(task: &Arc<Task>, tasks: &mut JoinSet<()>, stop: &Shutdown) {
    let config = &task.worker.config;
    let ordered = task.worker.queue.info().settings.ordered;
    let mut failures = 0;
    while !stop.is_triggered() {
        while let Some(joined) = tasks.try_join_next() {
            note(joined);
        }
        let free = config.concurrency.saturating_sub(tasks.len());
        if free == 0 {
            // One at least runs, else there would be room.
            tokio::select! {
                biased;
                () = stop.triggered() => return,
                Some(joined) = tasks.join_next() => note(joined),
            }
            continue;
        }
        let max = free.saturating_mul(config.batch);
        let Some(received) = receive(task, tasks, stop, max).await else {
            return;
        };
        match received {
            Ok(held) => {
                failures = 0;
                for unit in units(held, ordered, config.batch, free) {
                    tasks.spawn(Arc::clone(task).run(unit));
                }
            }
            Err(error) => {
                failures += 1;
                pause_after(&error, failures, task, tasks, stop).await;
            }
        }
    }
}

/// One receive; tasks that end meanwhile do not disturb it. `None` once the worker is to stop.
async fn receive(
    task: &Task,
    tasks: &mut JoinSet<()>,
    stop: &Shutdown,
    max: usize,
) -> Option<Result<Vec<Held>>> {
    let config = &task.worker.config;
    let mut receiving = pin!(poll(&*task.worker.queue, max, config.wait, config.lease));
    loop {
        tokio::select! {
            biased;
            () = stop.triggered() => return None,
            received = &mut receiving => {
                let hold = |(raw, lease): (Vec<_>, _)| raw.into_iter().map(|raw| Held { raw, lease }).collect();
                return Some(received.map(hold));
            }
            Some(joined) = tasks.join_next() => note(joined),
        }
    }
}

async fn pause_after(error: &Error, failures: u32, task: &Task, tasks: &mut JoinSet<()>, stop: &Shutdown) {
    let pause = receive_policy().delay(failures.saturating_add(1), error);
    let queue = &task.worker.queue.info().resource;
    tracing::warn!(queue, %error, failures, ?pause, "a receive failed; the worker tries again");
    let mut pausing = pin!(sleep(pause));
    loop {
        tokio::select! {
            biased;
            () = stop.triggered() => return,
            () = &mut pausing => return,
            Some(joined) = tasks.join_next() => note(joined),
        }
    }
}
