//! What a target runs in: time that passes by itself, or real sockets.

use std::cell::OnceCell;
use std::future::Future;

use tokio::runtime::{Builder, Runtime};

thread_local! {
    static PAUSED: OnceCell<Runtime> = const { OnceCell::new() };
    static REAL: OnceCell<Runtime> = const { OnceCell::new() };
}

/// Runs it in virtual time: whatever waits is over at once.
pub(crate) fn paused<T>(work: impl Future<Output = T>) -> T {
    let made = || Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    PAUSED.with(|runtime| runtime.get_or_init(made).block_on(work))
}

/// Runs it in real time, with sockets.
pub(crate) fn real<T>(work: impl Future<Output = T>) -> T {
    let made = || Builder::new_current_thread().enable_all().build().expect("a runtime");
    REAL.with(|runtime| runtime.get_or_init(made).block_on(work))
}
