//! What is generated for a deployment: valid by the published schemas, and read by the stand-in for the host.
#![allow(clippy::expect_used)]

mod generated;
mod refused;
mod schema;
