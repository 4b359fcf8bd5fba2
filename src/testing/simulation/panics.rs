//! Panics of simulated runs: where they were, and not on the terminal.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// Of a thread that runs a simulation and keeps silent: its last panic.
    static LAST: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

static INSTALL: Once = Once::new();

/// From now on this thread's panics are noted and not printed: thousands of runs in which handlers may panic at every fault would
/// bury the one that matters.
///
/// Rust has one hook of panics for the whole process, so it is put before the one that was there, which goes on to serve all other threads.
pub(super) fn keep_silent() {
    INSTALL.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !noted(info) {
                before(info);
            }
        }));
    });
    LAST.set(Some(None));
}

fn noted(info: &PanicHookInfo<'_>) -> bool {
    LAST.with_borrow_mut(|last| {
        let Some(last) = last else { return false };
        let place = info.location().map_or_else(String::new, |place| format!(", at {place}"));
        *last = Some(format!("{}{place}", text(info.payload())));
        true
    })
}

/// What a panic said, and where it was, if the thread's last one said the same.
pub(super) fn told(payload: &(dyn Any + Send)) -> String {
    let said = text(payload);
    let last = LAST.with_borrow(|last| last.clone().flatten());
    last.filter(|last| last.starts_with(said)).unwrap_or_else(|| said.to_owned())
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_thread_tells_where_it_panicked() {
        let told = std::thread::spawn(|| {
            keep_silent();
            let payload = panic::catch_unwind(|| panic!("no {}", "luck")).expect_err("panics");
            told(&*payload)
        });
        let told = told.join().expect("told");
        assert!(told.starts_with("no luck, at ") && told.contains("panics.rs:"), "{told}");
    }

    #[test]
    fn a_panic_that_no_hook_saw_is_told_without_its_place() {
        let told = std::thread::spawn(|| {
            keep_silent();
            drop(panic::catch_unwind(|| panic!("before")));
            let payload =
                panic::catch_unwind(|| panic::resume_unwind(Box::new("alone"))).expect_err("panics");
            told(&*payload)
        });
        assert_eq!(told.join().expect("told"), "alone");
    }
}
