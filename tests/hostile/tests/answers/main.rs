//! Services that lie, on every cloud's provider: answers that are shorter or longer than they say, nested or nonsense,
//! refusals without end, and listings that go round in a circle.
#![allow(clippy::expect_used, clippy::panic)]

mod downloads;
mod listings;
mod nonsense;
mod refusals;
