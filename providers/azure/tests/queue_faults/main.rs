//! What Queue Storage does to queues that its emulator does not: it loses answers, throttles, is still clearing away, and holds what others wrote.

#![allow(clippy::expect_used)] // All of this is a test.

mod foreign;
mod letters;
mod provision;
mod receive;
mod send;
mod settle;
mod silence;
mod stub;
