//! Waiting a moment for what comes soon, before a thread goes to sleep.

use std::hint::spin_loop;
use std::thread::yield_now;

/// How often it looks at once, each time after a longer pause.
const SPINS: u32 = 6;

/// How often it then looks again after others had the processor.
const YIELDS: u32 = 10;

/// Looks again and again for some microseconds: about as long as it takes to send a thread to sleep and to wake it. Callers that send one
/// request after the other come back within that time.
pub(crate) fn soon<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for round in 0..SPINS + YIELDS {
        if let Some(found) = look() {
            return Some(found);
        }
        if round < SPINS {
            (0..1 << round).for_each(|_| spin_loop());
        } else {
            yield_now();
        }
    }
    look()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_and_what_never_comes_is_not_waited_for() {
        let mut looks = 0;
        let found = soon(|| {
            looks += 1;
            (looks == 5).then_some("it")
        });
        assert_eq!((found, looks), (Some("it"), 5));
        assert_eq!(soon(|| None::<()>), None);
    }
}
