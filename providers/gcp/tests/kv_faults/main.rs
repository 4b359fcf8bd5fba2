//! What Firestore does to tables that its emulator does not: it loses answers, throttles, ends streams early, and lacks databases.

#![allow(clippy::expect_used)] // All of this is a test.

#[path = "../stub/grpc.rs"]
mod grpc;
mod missing;
mod stub;
