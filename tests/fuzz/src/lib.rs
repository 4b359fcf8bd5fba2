//! Fuzz targets for all that comes from outside: events, messages, requests, keys, URLs, credentials, rows.
//!
//! A target takes any bytes. It does not panic, and what it says of them holds: what was read and is written again is the same, order is
//! kept, sizes are bounded, an error is one line and holds no secret. `tests/corpora.rs` runs each over its corpus in `corpus/<target>/` and over
//! mutations of it, the same in each run; `cargo xtask fuzz` runs them for longer, led by the coverage of the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a target says by a panic what does not hold"
)]

pub mod corpus;
pub mod mutate;

mod bench;
mod sound;
mod targets;
mod text;
mod worlds;

/// One thing that takes bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the folder of its corpus, and of its file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// What takes the bytes, and how they are read.
    pub what: &'static str,
    /// Takes them; panics where something does not hold.
    pub run: fn(&[u8]),
}

pub use targets::TARGETS;

/// Runs one target of [`TARGETS`]: what the files of `fuzz/fuzz_targets` call.
///
/// # Panics
/// Where there is no such target, and where something does not hold.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target `{name}`")).run)(input);
}
