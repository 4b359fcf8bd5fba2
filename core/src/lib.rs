//! The ports of Skyport, and all that is the same on every cloud. No cloud's name is in here.

pub mod app;
pub mod blob;
pub mod body;
pub mod clock;
pub mod codec;
pub mod error;
pub mod event;
pub mod http;
pub mod idempotency;
pub mod inline_text;
pub mod kv;
pub mod layers;
pub mod lease;
pub mod outcome;
pub mod provider;
pub mod queue;
pub mod refusal;
pub mod retry;
pub mod runtime;
pub mod schedule;
pub mod seek;
pub mod shutdown;
pub mod sparse;
pub mod token;
pub mod trace_context;
pub mod worker;

pub use body::{Body, ByteStream};
pub use clock::Clock;
pub use codec::{Json, Raw};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use outcome::Outcome;
pub use shutdown::Shutdown;
pub use sparse::Sparse;
pub use token::Token;
pub use trace_context::TraceContext;
pub use worker::{Worker, WorkerConfig, WorkerContext};
