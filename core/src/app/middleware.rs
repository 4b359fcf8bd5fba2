//! Middleware: code around every function.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::context::Context;
use super::dispatch::{Event, Reply};
use super::handler_error::HandlerResult;

/// The future of one call.
pub(crate) type Called = Pin<Box<dyn Future<Output = HandlerResult<Reply>> + Send>>;

/// A function without its types.
pub(crate) type Call<R> = Arc<dyn Fn(Event, Context<R>) -> Called + Send + Sync>;

/// The rest of the way to the handler.
pub struct Next<R>(pub(crate) Call<R>);

impl<R> Next<R> {
    /// Goes on to the next middleware, or to the handler.
    ///
    /// # Errors
    /// What it returns.
    pub async fn run(self, event: Event, context: Context<R>) -> HandlerResult<Reply> {
        (self.0)(event, context).await
    }
}

impl<R> fmt::Debug for Next<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next(..)")
    }
}

/// `call` with `middleware` around it.
pub(crate) fn around<R, F, Fut>(call: Call<R>, middleware: F) -> Call<R>
where
    R: Send + Sync + 'static,
    F: Fn(Event, Context<R>, Next<R>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = HandlerResult<Reply>> + Send + 'static,
{
    Arc::new(move |event, context| Box::pin(middleware(event, context, Next(Arc::clone(&call)))))
}
