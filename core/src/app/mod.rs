//! Applications: functions, what triggers them, and the resources that they share.

mod application;
mod batch;
mod context;
mod dispatch;
mod function;
mod handler;
mod handler_error;
mod lanes;
mod manifest;
mod message;
mod middleware;
mod mount;
mod resources;
mod sources;

pub use application::App;
pub use batch::{Batch, Outcomes, Ticket};
pub use context::{Context, Invocation};
pub use dispatch::{Event, Functions, Reply};
pub use function::{FunctionRef, Trigger};
pub use handler::Handler;
pub use handler_error::{HandlerError, HandlerResult, ResultExt};
pub use manifest::{FunctionManifest, Manifest, TriggerManifest};
pub use message::{Message, MessageTrigger};
pub use middleware::Next;
pub use mount::{FunctionFuture, FunctionService};
pub use resources::{Declaration, Opener, Ref, Resource, ResourceOptions, Resources};
pub use sources::{Sourced, Sources};
