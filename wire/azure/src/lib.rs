//! What Azure's services write, for Skyport's provider and its Azure Functions adapter: an adapter knows no provider, so what
//! both have to read is read here, once.
//!
//! - [`message`]: messages of Queue Storage, received or handed over.
//! - [`event_grid`]: changes of blobs, as Event Grid tells of them.
//!
//! All of it may come from anybody: sizes are bounded and nothing panics. What is not what it claims to be is `Malformed`, and
//! the error says which part of it.

pub mod event_grid;
pub mod message;
