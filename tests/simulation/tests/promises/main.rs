//! What tables, leases, idempotent work and queues promise, under chaos: each a simulation over many seeds.

// All of this is a test.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod simulation;
