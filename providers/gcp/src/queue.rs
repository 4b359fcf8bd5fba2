//! Pub/Sub behind the port `MessageQueue`.

pub(crate) mod calls;
mod names;

pub(crate) use names::Names;
