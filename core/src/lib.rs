//! The ports of Skyport, and all that is the same on every cloud. No cloud's name is in here.

pub mod blob;
pub mod body;
pub mod clock;
pub mod error;
pub mod event;
pub mod kv;

pub mod provider;
pub mod queue;
pub mod retry;
pub mod token;
pub mod trace_context;

pub use body::{Body, ByteStream};
pub use clock::Clock;
pub use error::{BoxError, Error, ErrorKind, Result};
pub use token::Token;
pub use trace_context::TraceContext;
