//! Cloud Run as far as an adapter sees it: a load balancer, Pub/Sub that pushes, and Cloud Scheduler.

// Each of the binaries that share this uses a part of it.
#![allow(dead_code)]

pub(crate) mod client;
pub(crate) mod platform;
pub(crate) mod scheduler;
pub(crate) mod subscription;
pub(crate) mod time;
