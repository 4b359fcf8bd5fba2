//! The application that is measured here and in the counts.

pub mod application;
pub mod events;
