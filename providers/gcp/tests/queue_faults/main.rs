//! What Pub/Sub does to queues that its emulator does not: it loses answers, throttles, counts, and refuses one of many.

#![allow(clippy::expect_used)] // All of this is a test.

mod attempts;
mod delays;
#[path = "../stub/grpc.rs"]
#[allow(dead_code, reason = "shared with the tests of tables, which use more of it")]
mod grpc;
mod provision;
mod receive;
mod send;
mod settle;
mod stub;
