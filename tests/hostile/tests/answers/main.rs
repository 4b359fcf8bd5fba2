//! Services that lie, on every cloud's provider: answers that are shorter or longer than they say, that never end, that are packed, nested or
//! nonsense, and listings that go round in a circle.
#![allow(clippy::expect_used, clippy::panic)]

mod clouds;
mod downloads;
mod endless;
mod listings;
mod nonsense;
