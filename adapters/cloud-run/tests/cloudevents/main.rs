//! CloudEvents by peers: what the SDKs for JavaScript and Python send over HTTP arrives intact at the function that it is for.
//!
//! The adapter takes events of Google's types, so the events are of these, and what is weird stands where a function sees it: in the
//! names of objects, in ids and times, and in the attributes and bodies of messages.
#![allow(clippy::expect_used)]

mod application;
mod events;
mod javascript;
mod peer;
mod python;
