//! The examples as processes: they are used, killed, stopped, shared, damaged and fed with nonsense.
#![cfg(unix)]
#![allow(clippy::expect_used)]

mod azure;
mod commands;
mod damage;
mod gcp;
mod hostile;
mod kill;
mod lambda;
mod large;
mod load;
mod photos;
mod queue;
mod stop;
