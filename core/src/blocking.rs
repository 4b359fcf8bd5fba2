//! Work that keeps a processor busy, away from the threads that serve: [`blocking`].

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::resume_unwind;

use tokio::task::spawn_blocking;
use tracing::Span;

use crate::waited::Waited;
use crate::{Error, ErrorKind, Result, TraceContext};

thread_local! {
    /// How many [`Inline`]s live on this thread.
    static INLINE: Cell<usize> = const { Cell::new(0) };
}

/// Runs work that computes for long, or that waits without being async, on a thread of its own kind: those that serve requests
/// and messages stay free. The work stands in the caller's trace and span.
///
/// Where the future is dropped, at a deadline say, work that has not begun never begins; what has begun runs to its end, and
/// its result is dropped.
///
/// In a simulation (on a thread with an [`Inline`]) it runs at once, on the thread that asks: a thread more would end when it likes,
/// and the same seed would not give the same run.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> skyport_core::Result<()> {
/// let sum: u64 = skyport_core::blocking(|| (1..=1_000_000).sum()).await?;
/// assert_eq!(sum, 500_000_500_000);
/// # Ok(()) }
/// ```
///
/// # Errors
/// `Unavailable` where the process stops before the work has begun.
///
/// # Panics
/// Where the work does, with the same message, as if it had been called here: in a handler, its event comes again. Outside
/// of tokio's runtime.
pub async fn blocking<T, F>(work: F) -> Result<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if Inline::is_here() {
        return Ok(work());
    }
    let (trace, span) = (TraceContext::current(), Span::current());
    let traced = move || match trace {
        Some(trace) => trace.scoped(work),
        None => work(),
    };
    let task = Waited::from(spawn_blocking(move || span.in_scope(traced)));
    match task.await {
        Ok(made) => Ok(made),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => {
                let stopped = "the process stops: this work was not begun. Call again once it runs anew";
                Err(Error::new(ErrorKind::Unavailable, stopped).with_ambiguous(false).with_source(error))
            }
        },
    }
}

/// While one lives, [`blocking`] runs its work inline on the thread that made it. For simulations, in which all that happens must
/// happen on one thread, in an order that a seed decides.
#[must_use = "it lasts as long as it lives"]
#[derive(Debug)]
pub struct Inline {
    /// It belongs to its thread.
    _stays: PhantomData<*const ()>,
}

impl Inline {
    /// From now on, on this thread, until it is dropped. They nest.
    pub fn here() -> Self {
        INLINE.set(INLINE.get() + 1);
        Self { _stays: PhantomData }
    }

    /// Whether there is one on this thread.
    #[must_use]
    pub fn is_here() -> bool {
        INLINE.get() > 0
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        INLINE.set(INLINE.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn work_runs_on_another_thread_and_in_the_same_trace() {
        let (here, trace) = (thread::current().id(), TraceContext::root());
        let worked = trace.clone().scope(blocking(|| (thread::current().id(), TraceContext::current())));
        let (there, carried) = worked.await.expect("runs");
        assert_ne!(here, there);
        assert_eq!(carried.map(|carried| carried.trace_id()), Some(trace.trace_id()));
    }

    #[tokio::test]
    async fn on_a_thread_of_a_simulation_it_runs_at_once_on_that_thread() {
        let here = thread::current().id();
        let outer = Inline::here();
        drop(Inline::here());
        let there = blocking(|| thread::current().id()).await.expect("runs");
        assert_eq!(here, there, "one still lives");
        drop(outer);
        assert!(!Inline::is_here());
        assert_ne!(here, blocking(|| thread::current().id()).await.expect("runs"));
    }

    #[tokio::test]
    #[should_panic(expected = "no such colour")]
    async fn a_panic_of_the_work_is_a_panic_of_the_caller() {
        let worked: Result<()> = blocking(|| panic!("no such colour")).await;
        worked.expect("not reached");
    }

    #[test]
    fn what_nobody_waits_for_never_begins() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime");
        runtime.block_on(async {
            let (go, gate) = mpsc::channel::<()>();
            // The only thread is taken.
            let first = tokio::spawn(blocking(move || gate.recv()));
            let (tell, told) = mpsc::channel::<()>();
            let second = tokio::spawn(blocking(move || tell.send(())));
            tokio::task::yield_now().await;
            second.abort();
            assert!(second.await.expect_err("aborted").is_cancelled());
            go.send(()).expect("waits");
            first.await.expect("joined").expect("ran").expect("told");
            assert!(blocking(move || told.recv()).await.expect("runs").is_err(), "its sender went unused");
        });
    }
}
