//! The stand-in itself: what it sends, and what it makes of answers.
#![allow(clippy::expect_used)]

mod calls;
mod handler;
mod messages;
mod requests;
mod starting;
