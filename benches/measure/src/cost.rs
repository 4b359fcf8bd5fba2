//! What does not depend on the machine's mood, and what depends on it less.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How much was taken from the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// How often something was.
    pub times: u64,
    /// How many bytes in all.
    pub bytes: u64,
    /// The most that was taken at one time and not yet given back.
    pub peak: u64,
}

/// What this thread takes from the heap while it does something. What other threads take is not in it: give it a runtime of one thread.
///
/// A contest with a metric in `allocations` does here what it measures, and nothing else: its profile is of this alone.
#[inline(never)] // It is by its symbol that callgrind finds it.
pub fn allocated(run: impl FnOnce()) -> Allocated {
    let info = allocation_counter::measure(run);
    Allocated { times: info.count_total, bytes: info.bytes_total, peak: info.bytes_max }
}

/// The processor time that all threads of this process have used.
#[must_use]
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted() {
        let taken = allocated(|| drop(std::hint::black_box(vec![0_u8; 100])));
        assert_eq!((taken.times, taken.bytes, taken.peak), (1, 100, 100));
        assert_eq!(allocated(|| ()).times, 0);
    }

    #[test]
    fn processor_time_goes_on() {
        let before = processor_time();
        while processor_time() == before {
            std::hint::spin_loop();
        }
    }
}
