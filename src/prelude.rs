//! What almost every application uses: `use skyport::prelude::*;`.

pub use crate::Resources;
pub use skyport_core::app::{
    App, Batch, Context, HandlerError, HandlerResult as Result, Message, Outcomes, ResultExt as _,
};
pub use skyport_core::blob::Bucket;
pub use skyport_core::event::{BlobChange, BlobEvent, ScheduleEvent};
pub use skyport_core::http::{IntoResponse, Json, Request, Response, route};
pub use skyport_core::kv::Table;
pub use skyport_core::queue::Queue;

#[doc(no_inline)]
pub use http::StatusCode;
