//! What is the same for all that is measured here: runtimes, names, answers that are looked at.

use std::time::{Duration, Instant};

use skyport_measure::{Outcome, processor_time};
use tokio::runtime::{Builder, Runtime};

/// A thread for one task, as a function has it; two threads for several.
///
/// # Errors
/// Where no thread can be started.
pub fn runtime(tasks: usize) -> Outcome<Runtime> {
    let runtime = match tasks {
        1 => Builder::new_current_thread().enable_time().build()?,
        _ => Builder::new_multi_thread().worker_threads(2).enable_time().build()?,
    };
    Ok(runtime)
}

/// Tells how long something took. Of one task, whose thread waits for nobody, it is the processor's time: what else runs on the
/// machine does not enter there. Of several it is the clock's, since they may wait for each other.
#[derive(Clone, Copy, Debug)]
pub enum Watch {
    /// What the process had used of the processor.
    Processor(Duration),
    /// When it began.
    Clock(Instant),
}

impl Watch {
    /// Begins now.
    #[must_use]
    pub fn start(tasks: usize) -> Self {
        if tasks == 1 { Self::Processor(processor_time()) } else { Self::Clock(Instant::now()) }
    }

    /// How long it has been.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        match self {
            Self::Processor(before) => processor_time().saturating_sub(before),
            Self::Clock(began) => began.elapsed(),
        }
    }
}

/// Nanoseconds of one of so many.
pub fn per_operation(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// The key of an object or item, in its directory or partition: `directory-007`, `object-0042`.
pub fn names(index: usize, in_directory: usize) -> (String, String) {
    (format!("directory-{:03}", index / in_directory), format!("object-{:04}", index % in_directory))
}

/// All numbers below a power of two, each once, in an order that is not theirs and always the same.
pub fn scattered(count: usize) -> impl Iterator<Item = usize> {
    // An odd factor visits every number once.
    (0..count).map(move |index| index.wrapping_mul(7_919) % count)
}

/// Holds an answer against the truth: who answers wrongly is not measured.
///
/// # Errors
/// Where it is another.
pub fn expect<T: PartialEq + std::fmt::Debug>(found: T, right: T) -> Outcome {
    if found == right { Ok(()) } else { Err(format!("answered {found:?} where {right:?} was right").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_numbers_are_all_of_them() {
        let mut numbers: Vec<usize> = scattered(1_024).collect();
        assert_ne!(numbers[1], 1);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1_024).collect::<Vec<_>>());
    }
}
