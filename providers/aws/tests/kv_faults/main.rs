//! What DynamoDB does to tables that no emulator does: it leaves work undone, throttles, fails, loses answers, and gives
//! reasons.

mod batches;
mod increments;
mod lost;
mod refusals;
mod stub;
mod tables;
