//! The server over real sockets: ordinary clients, hostile ones, and its end.

// Helpers of tests are outside of test functions, too.
#![allow(clippy::expect_used)]

mod hostile;
mod http;
mod intercept;
mod overload;
mod shutdown;
mod stall;
mod streaming;
mod support;
