//! Requests of attackers, on every adapter that serves HTTP by itself: the process lives, good clients are served, and nothing is taken for what
//! it is not.
#![allow(clippy::expect_used, clippy::panic)]

mod heads;
mod lengths;
mod paths;
mod streams;
