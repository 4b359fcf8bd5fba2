//! HTTP as functions see it, on the types of the `http` crate.

mod limit;
mod params;
pub mod problem;
mod request;
mod response;
pub mod route;
mod router;

pub(crate) use limit::limited;
pub(crate) use params::PathParams;
pub use request::{Fidelity, Request};
pub use response::{IntoResponse, Json, Response};
pub use route::Route;
pub(crate) use router::{Routed, Router};
