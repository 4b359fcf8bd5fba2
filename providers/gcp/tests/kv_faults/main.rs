//! What Firestore does to tables that its emulator does not: it loses answers, throttles, ends streams early, lacks databases, and
//! has settings of fields.

#![allow(clippy::expect_used)] // All of this is a test.

mod batches;
mod contention;
#[allow(dead_code, reason = "shared with the tests of queues, which use more of it")]
#[path = "../stub/grpc.rs"]
mod grpc;
mod lost;
mod missing;
mod queries;
mod stub;
mod tables;
mod transactions;
