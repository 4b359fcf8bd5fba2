//! What can go wrong in memory: what every store refuses, and nothing else.

pub(crate) use skyport_core::refusal::Refusal;
