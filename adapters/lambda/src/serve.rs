//! Serving: from the start of the process to its end.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn};
use lambda_runtime_api_client::Client;
use serde::de::IgnoredAny;
use skyport_core::app::Functions;
use skyport_core::{BoxError, Error, ErrorKind, Result};
use tracing::Instrument;

use crate::failure::Failure;
use crate::reply::{Answer, post};
use crate::served::Served;
use crate::{LambdaConfig, answer};

/// What `lambda_runtime` needs, and would panic without.
const NEEDED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// Serves an application on Lambda, until the process is to end.
///
/// Runs in a tokio runtime with I/O and time. Takes as many invocations at once as Lambda asks for
/// (`AWS_LAMBDA_MAX_CONCURRENCY`), one by default.
///
/// # Errors
/// `Unsupported` outside of Lambda; `NotFound` where `SKYPORT_FUNCTION` names a function that is not there; `Unavailable`
/// once the Runtime API is gone. What is wrong at the start is told to Lambda, too.
pub async fn run(functions: Arc<Functions>, config: LambdaConfig) -> Result<()> {
    let client = Arc::new(client()?);
    let served = match Served::new(functions, config) {
        Ok(served) => Arc::new(served),
        Err(error) => return Err(tell(&client, error).await),
    };
    if served.config.signals {
        listen(&served).await;
    }
    warm(&served).await;
    let answering = Arc::clone(&served);
    let layer = layer_fn(move |_| Answering { served: Arc::clone(&answering), client: Arc::clone(&client) });
    let never = service_fn(|_: LambdaEvent<IgnoredAny>| std::future::ready(Err::<(), _>(never())));
    let runtime = Runtime::new(never).layer(layer);
    tokio::select! {
        ran = runtime.run_concurrent() => ran.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the Runtime API of Lambda does not answer").with_source(error)
        }),
        () = served.stopped() => Ok(()),
    }
}

/// Tells Lambda that the application cannot start, and gives the error back: for what goes wrong before [`run`].
///
/// ```no_run
/// # async fn example(app: skyport_core::app::App<()>, opener: &dyn skyport_core::app::Opener) -> skyport_core::Result<()> {
/// let (functions, _) = match app.bind(opener) {
///     Ok(bound) => bound,
///     Err(error) => return Err(skyport_lambda::refuse(error).await),
/// };
/// # Ok(())
/// # }
/// ```
pub async fn refuse(error: Error) -> Error {
    match client() {
        Ok(client) => tell(&client, error).await,
        Err(_) => error,
    }
}

async fn tell(client: &Client, error: Error) -> Error {
    if let Err(unheard) = post::init_error(client, &error).await {
        tracing::warn!(error = unheard, "Lambda could not be told that the application cannot start");
    }
    error
}

/// The client of the Runtime API, where this is Lambda.
fn client() -> Result<Client> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| set(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(Error::unsupported(format!(
            "this is not Lambda, nor an emulator of it: {} not set; on another machine use the adapter `server`",
            missing.join(", ")
        )));
    }
    let memory = set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse::<i32>().ok());
    if memory.is_none() {
        return Err(Error::invalid("AWS_LAMBDA_FUNCTION_MEMORY_SIZE is not a number of megabytes"));
    }
    let api = set("AWS_LAMBDA_RUNTIME_API").and_then(|api| api.parse::<http::uri::Authority>().ok());
    if api.is_none() {
        return Err(Error::invalid("AWS_LAMBDA_RUNTIME_API is not a host and a port"));
    }
    let client = Client::builder().build();
    client.map_err(|error| Error::internal("the client of the Runtime API cannot be made").with_source(error))
}

/// What the service within answers; the layer around it answers instead.
fn never() -> Diagnostic {
    Failure::internal("the invocation was not answered by Skyport").into()
}

/// Listens to SIGTERM. Lambda sends it only to processes with an extension, so one is registered that does nothing.
#[cfg(unix)]
async fn listen(served: &Arc<Served>) {
    let stopping = Arc::clone(served);
    let hook = move || async move {
        stopping.config.shutdown.trigger();
        stopping.stopped().await;
    };
    // It panics where the extension is not taken, which emulators need not do.
    let listening =
        AssertUnwindSafe(lambda_runtime::spawn_graceful_shutdown_handler(hook)).catch_unwind().await;
    if listening.is_err() {
        tracing::warn!("no extension could be registered: the process will end without being told before");
    }
}

#[cfg(not(unix))]
async fn listen(_: &Arc<Served>) {}

/// Makes connections: before the first event where Lambda starts processes ahead of time, else beside it, so as not to delay
/// it.
async fn warm(served: &Served) {
    let warming = served.config.ports.clone().warm();
    match std::env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() {
        Ok("provisioned-concurrency" | "snap-start") => warming.await,
        _ => drop(tokio::spawn(warming)),
    }
}

/// Answers invocations.
#[derive(Clone, Debug)]
struct Answering {
    served: Arc<Served>,
    client: Arc<Client>,
}

impl Service<LambdaInvocation> for Answering {
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let Self { served, client } = self.clone();
        let context = &invocation.context;
        // What the handler logs is found by it.
        let span = tracing::info_span!(
            "lambda",
            request_id = context.request_id,
            xray_trace_id = context.xray_trace_id.as_deref(),
        );
        let answering = async move {
            let _running = served.enter();
            let LambdaInvocation { parts, body, context } = invocation;
            // A handler's panics are caught by the dispatcher; this is for what is around it.
            let answered = AssertUnwindSafe(answer::answer(&served, &context, &body)).catch_unwind().await;
            let answer = answered
                .unwrap_or_else(|_| Answer::Failed(Failure::internal("answering the event panicked")));
            let delivery = parts.headers.get(post::DELIVERY).cloned();
            post::post(&client, &context.request_id, delivery, answer).await;
            Ok(())
        };
        Box::pin(answering.instrument(span))
    }
}
