//! What DynamoDB does to tables that no emulator does: it leaves work undone, throttles, fails, loses answers, and gives
//! reasons.

#![allow(clippy::expect_used)] // All of this is a test.

mod batches;
mod increments;
mod lost;
mod refusals;
mod stub;
mod tables;
