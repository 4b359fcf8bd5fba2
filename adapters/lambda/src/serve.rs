//! Serving: from the start of the process to its end.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn};
use lambda_runtime_api_client::Client;
use serde::de::IgnoredAny;
use skyport_core::app::Functions;
use skyport_core::clock::from_millis;
use skyport_core::{BoxError, Clock, Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::failure::Failure;
use crate::reply::{Answer, post};
use crate::served::Served;
use crate::{LambdaConfig, answer, signal};

/// What `lambda_runtime` needs, and would panic without.
const NEEDED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// What is left of an invocation's time when it is given up.
const LAST_CALL: Duration = Duration::from_millis(25);

/// Serves an application on Lambda, until the process is to end.
///
/// Runs in a tokio runtime with I/O and time. Takes as many invocations at once as Lambda asks for
/// (`AWS_LAMBDA_MAX_CONCURRENCY`), one by default.
///
/// # Errors
/// `Unsupported` outside of Lambda; `NotFound` where `SKYPORT_FUNCTION` names a function that is not there; `Unavailable`
/// once the Runtime API is gone (with several invocations at once it is asked again until Lambda ends the process). What is wrong at the start is told to Lambda, too.
pub async fn run(functions: Arc<Functions>, config: LambdaConfig) -> Result<()> {
    let client = Arc::new(client()?);
    let served = match Served::new(functions, config) {
        Ok(served) => Arc::new(served),
        Err(error) => return Err(tell(&client, error).await),
    };
    if served.config.signals {
        signal::listen(&client, &served.config.shutdown).await;
    }
    warm_ahead(&served).await;
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

/// Makes connections before the first event where Lambda starts processes ahead of time. Else they are made beside that event:
/// loading certificates alone takes longer than all else before it, and would delay it.
async fn warm_ahead(served: &Served) {
    if std::env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Ok("provisioned-concurrency")
        && let Some(ports) = served.cold_ports()
    {
        ports.warm().await;
    }
}

/// When an invocation is given up, so that there is time to say so.
fn last_call(context: &lambda_runtime::Context) -> Instant {
    let deadline = Clock::system().instant_at(from_millis(context.deadline));
    deadline.checked_sub(LAST_CALL).unwrap_or(deadline)
}

/// An answer in any case, and in time: a process that outlives its deadline is killed, and its next start is a cold one.
async fn guarded(context: &lambda_runtime::Context, answering: impl Future<Output = Answer>) -> Answer {
    // A handler's panics are caught by the dispatcher, and its time is limited there; this is for what is around it.
    match timeout_at(last_call(context), AssertUnwindSafe(answering).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::Failed(Failure::internal("answering the event panicked")),
        Err(_) => Answer::Failed(Failure::function("the deadline came before the event was answered")),
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
        if let Some(ports) = served.cold_ports() {
            tokio::spawn(ports.warm());
        }
        let context = &invocation.context;
        // What the handler logs is found by it, whatever level of the log is chosen.
        let span = tracing::error_span!(
            "lambda",
            request_id = context.request_id,
            xray_trace_id = context.xray_trace_id.as_deref(),
        );
        let answering = async move {
            let _running = served.enter();
            let LambdaInvocation { parts, body, context } = invocation;
            let answer = guarded(&context, answer::answer(&served, &context, &body)).await;
            let delivery = parts.headers.get(post::DELIVERY).cloned();
            post::post(&client, &context.request_id, delivery, answer, last_call(&context)).await;
            Ok(())
        };
        Box::pin(answering.instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::app::App;

    use super::*;

    struct Nothing;

    impl skyport_core::app::Opener for Nothing {
        fn bucket(
            &self,
            _: &skyport_core::app::Declaration,
        ) -> Result<Arc<dyn skyport_core::blob::port::BlobStore>> {
            Err(Error::internal("nothing is declared"))
        }

        fn queue(
            &self,
            _: &skyport_core::app::Declaration,
            _: &skyport_core::queue::QueueSettings,
        ) -> Result<Arc<dyn skyport_core::queue::MessageQueue>> {
            Err(Error::internal("nothing is declared"))
        }

        fn table(
            &self,
            _: &skyport_core::app::Declaration,
            _: &skyport_core::provider::TableSettings,
        ) -> Result<Arc<dyn skyport_core::kv::port::KeyValueStore>> {
            Err(Error::internal("nothing is declared"))
        }
    }

    #[tokio::test]
    async fn outside_of_lambda_it_says_what_is_missing_and_what_to_use_instead() {
        let (functions, _) = App::<()>::new("hello").bind(&Nothing).expect("binds");
        let error = run(Arc::new(functions), LambdaConfig::default()).await.expect_err("not Lambda");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        for word in ["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "`server`"] {
            assert!(error.message().contains(word), "{error}");
        }
        let told = refuse(Error::invalid("wrong")).await;
        assert_eq!(told.message(), "wrong");
    }

    #[tokio::test]
    async fn what_panics_or_takes_too_long_is_answered_all_the_same() {
        let mut context = lambda_runtime::Context::default();
        let soon = Clock::system().now() + Duration::from_millis(60);
        context.deadline = skyport_core::clock::to_millis(soon);
        let late = guarded(&context, std::future::pending()).await;
        assert!(matches!(late, Answer::Failed(failure) if failure.message().contains("deadline")));
        let later = Clock::system().now() + Duration::from_secs(60);
        context.deadline = skyport_core::clock::to_millis(later);
        let broken = guarded(&context, async { panic!("broken") }).await;
        assert!(matches!(broken, Answer::Failed(failure) if failure.message().contains("panicked")));
    }
}
