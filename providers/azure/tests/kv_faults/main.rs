//! Tables where Table Storage or the way to it fails, on a strict server of our own: it holds what Azure's documents say and Azurite lets pass.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::field_reassign_with_default,
    reason = "all of this is a test"
)]

mod answers;
mod lost;
mod mirrors;
mod pages;
mod rows;
mod server;
mod sweeps;
mod tables;
mod transactions;
