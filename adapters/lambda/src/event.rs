//! From the wire to an event.

pub(crate) mod call;
pub(crate) mod escape;
pub(crate) mod http;
pub(crate) mod kind;
pub(crate) mod query;
pub(crate) mod schedule;

pub(crate) use kind::{Kind, kind};
