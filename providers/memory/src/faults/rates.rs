//! How often what strikes by default.

use std::time::Duration;

use skyport_core::ErrorKind;

use super::chaos::Chaos;
use super::fault::Fault;
use super::operation::Operation;

/// The most that a call is delayed by: enough for others to come between, and far less than any timeout.
pub(super) const DELAY: Duration = Duration::from_millis(20);

/// How long a call hangs at most: as long as an attempt may take by default.
const HANG: Duration = Duration::from_secs(10);

/// Adds the default rates to a plan.
pub(super) fn default(chaos: Chaos) -> Chaos {
    // Harmless, and asked for all the time by whoever waits for a queue to be empty.
    let worth = Operation::ALL.iter().filter(|operation| **operation != Operation::QueueDepth);
    let chaos = worth.fold(chaos, |chaos, operation| of_every_call(chaos, *operation));
    let chaos = of_messages(chaos);
    chaos.rate(Operation::BlobGet, Fault::break_off(100), 0.03).rate(
        Operation::BlobGet,
        Fault::stall(100, HANG),
        0.01,
    )
}

fn of_every_call(chaos: Chaos, operation: Operation) -> Chaos {
    let mut chaos = chaos
        .rate(operation, Fault::throttle(Duration::from_secs(2)), 0.006)
        .rate(operation, Fault::refuse(ErrorKind::Unavailable), 0.006)
        .rate(operation, Fault::time_out(HANG), 0.003)
        .rate(operation, Fault::slow(Duration::from_secs(5)), 0.005)
        .rate(operation, Fault::crash(), 0.004)
        .rate(operation, Fault::jump(Duration::from_secs(180)), 0.001);
    if operation.is_write() {
        chaos = chaos
            .rate(operation, Fault::crash_after(), 0.004)
            .rate(operation, Fault::lose_answer(ErrorKind::Unavailable), 0.008)
            .rate(operation, Fault::time_out_applied(HANG), 0.004);
    }
    if operation.is_batch() {
        chaos = chaos.rate(operation, Fault::throttle(Duration::from_secs(2)).partly(), 0.01).rate(
            operation,
            Fault::lose_answer(ErrorKind::Unavailable).partly(),
            0.01,
        );
    }
    chaos
}

fn of_messages(chaos: Chaos) -> Chaos {
    let operation = Operation::QueueReceive;
    chaos
        .rate(operation, Fault::redeliver(Duration::from_secs(120)), 0.05)
        .rate(operation, Fault::reorder(), 0.04)
        .rate(operation, Fault::late_lease(130), 0.01)
        // A handler that renews does so rarely: else hardly one would fail.
        .rate(Operation::QueueExtend, Fault::refuse(ErrorKind::Unavailable), 0.08)
        .rate(Operation::QueueExtend, Fault::lose_answer(ErrorKind::Unavailable), 0.05)
}
