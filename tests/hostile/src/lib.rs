//! What the tests of hostile input stand on: an application behind each adapter that speaks HTTP by itself, and clients that say exactly what
//! they are told to.
//!
//! Everything here is for tests: what goes wrong panics.
#![allow(clippy::expect_used, clippy::panic)]

pub mod clouds;
pub mod h2;
mod memory;
mod raw;
mod stage;

pub use memory::Growth;
pub use raw::{Raw, Said};
pub use stage::{OUTSIDE, Seen, Stage};
