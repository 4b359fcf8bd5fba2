//! Azure as far as an adapter sees it: the stand-in for the host of Functions, over the fakes.

// Each of the binaries that share this uses a part of it.
#![allow(dead_code)]

pub(crate) mod azure;
pub(crate) mod client;
pub(crate) mod deviations;
pub(crate) mod grid;
pub(crate) mod platform;
pub(crate) mod served;
pub(crate) mod single;
pub(crate) mod source;
