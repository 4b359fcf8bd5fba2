//! Functions whose process may be killed by a fault, between any two effects.

use http::StatusCode;
use skyport_core::app::{App, Context, Event, HandlerError, HandlerResult, Next, Reply, Resources};
use skyport_core::queue::port::MessageId;
use skyport_memory::{Held, Memory};

/// Lets faults crash the application's functions: a client sees what a platform answers in the place of a process that is gone, and
/// messages come again when their leases have ended.
pub(super) fn mortal<R: Resources>(app: App<R>, memory: &Memory) -> App<R> {
    let memory = memory.clone();
    app.wrap(move |event, context, next| {
        let memory = memory.clone();
        async move { call(&memory, event, context, next).await }
    })
}

async fn call<R>(memory: &Memory, event: Event, context: Context<R>, next: Next<R>) -> HandlerResult<Reply> {
    let (held, asked) = (held(&event, &context), matches!(event, Event::Http(_)));
    match memory.invocation(&held, next.run(event, context)).await {
        Ok(reply) => reply,
        Err(crashed) if asked => Err(HandlerError::status(StatusCode::BAD_GATEWAY, crashed.to_string())),
        // Not seen by the queue: what is to be done with the messages of this delivery is refused.
        Err(crashed) => Err(crashed.into()),
    }
}

/// The deliveries that a function is called with.
fn held<R>(event: &Event, context: &Context<R>) -> Vec<Held> {
    match event {
        Event::Message(message) => vec![Held::from(&**message)],
        Event::Batch(messages) => messages.iter().map(Held::from).collect(),
        // The change of a bucket came as a message, too: the invocation bears its id.
        Event::Blob(_) => {
            let invocation = context.invocation();
            vec![Held::attempt(MessageId::new(invocation.id.as_str()), invocation.attempt)]
        }
        _ => Vec::new(),
    }
}
