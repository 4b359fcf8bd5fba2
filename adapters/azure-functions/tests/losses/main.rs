//! What the suite cannot show of Azure Functions, because the host itself loses or hides it: here is what is left, and that an application
//! is told.
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod application;
mod events;
mod messages;
mod requests;
