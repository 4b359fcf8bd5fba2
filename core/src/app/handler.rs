//! What can be registered as a handler: a plain async function of an event and a context.

use std::future::Future;

use super::context::Context;
use super::handler_error::HandlerResult;

/// An async function `(event, Context<R>) -> Result<_, HandlerError>`, or a closure like it.
///
/// Implemented for every such function; nobody implements it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler for `{Ev}`",
    label = "not a handler",
    note = "a handler is `async fn(event: {Ev}, cx: Context<{R}>) -> Result<_>`: look at `async`, at the type of the event, and \
            at the resources of the context",
    note = "its error is `HandlerError`, which `?` makes of any error: return the `Result<T>` of `skyport::prelude`"
)]
pub trait Handler<R, Ev>: Clone + Send + Sync + 'static {
    /// What it returns when all is well.
    type Output;
    /// Its future.
    type Future: Future<Output = HandlerResult<Self::Output>>;

    /// Calls it.
    fn call(&self, event: Ev, context: Context<R>) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<F, Fut, R, Ev, O> Handler<R, Ev> for F
where
    F: Fn(Ev, Context<R>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = HandlerResult<O>>,
{
    type Output = O;
    type Future = Fut;

    fn call(&self, event: Ev, context: Context<R>) -> Fut {
        self(event, context)
    }
}
