//! Waiting a moment for what comes soon, before a thread goes to sleep.

use std::hint::spin_loop;

/// How often it looks, each time after a pause twice as long.
const LOOKS: u32 = 7;

/// How often a thread gives way that serves one caller alone.
const TURNS: u32 = 4;

/// Looks again and again for a few microseconds: about as long as it takes to send a thread to sleep and to wake it. Callers that send one
/// request after the other come back within that time. It never yields: where others want the processor that takes milliseconds, and
/// whoever sleeps is woken sooner.
pub(crate) fn soon<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for round in 0..LOOKS {
        if let Some(found) = look() {
            return Some(found);
        }
        (0..1 << round).for_each(|_| spin_loop());
    }
    look()
}

/// As [`soon`], and then gives way a few times: for a thread that serves one caller alone. The two take turns, mostly on one processor, and
/// to give way hands that over in a fraction of the time that it takes to sleep and to be woken.
pub(crate) fn in_turn<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    soon(&mut look).or_else(|| {
        (0..TURNS).find_map(|_| {
            std::thread::yield_now();
            look()
        })
    })
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
        let mut looks = 0;
        let late = in_turn(|| {
            looks += 1;
            (looks == LOOKS + 3).then_some("late")
        });
        assert_eq!((late, in_turn(|| None::<()>)), (Some("late"), None));
    }
}
