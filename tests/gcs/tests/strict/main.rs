//! What this server holds calls to and lax emulators do not, asked over HTTP as anybody would.

#![allow(clippy::expect_used, clippy::unwrap_used)] // All of this is a test.

mod client;
mod conditions;
mod lists;
mod notifications;
mod reads;
mod resumable;
mod rewrites;
mod signing;
