//! The applications that are measured here and in the counts, and what they are asked.

pub mod application;
pub mod events;
pub mod load;
pub mod served;
