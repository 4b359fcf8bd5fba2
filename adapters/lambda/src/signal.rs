//! SIGTERM. Lambda sends it before it ends a process, but only to one with an extension: so one is registered that asks for no
//! events.
//!
//! Not the handler of `lambda_runtime`: it panics where an extension is not taken, ends the process by itself, and brings in
//! sixteen packages.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use lambda_runtime_api_client::Client;
use lambda_runtime_api_client::body::Body;
use skyport_core::{BoxError, Shutdown};
use tokio::time::timeout;

/// Extensions of one function are told apart by it.
const NAME: &str = "skyport-shutdown";

const NAMED: HeaderName = HeaderName::from_static("lambda-extension-name");
const IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-identifier");

/// The longest time to register: the first event waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Listens from now on; SIGTERM and Ctrl-C trigger the shutdown. Where no extension is taken, which emulators need not do, it is
/// said in the log and all else works.
pub(crate) async fn listen(client: &std::sync::Arc<Client>, shutdown: &Shutdown) {
    if let Err(error) = obey(shutdown.clone()) {
        tracing::warn!(
            error,
            "signals cannot be listened to: the process will end without being told before"
        );
        return;
    }
    let registered = timeout(PATIENCE, register(client)).await;
    let identifier = match registered.unwrap_or_else(|_| Err("no answer came in time".into())) {
        Ok(identifier) => identifier,
        Err(error) => {
            tracing::warn!(
                error,
                "no extension was registered: the process may end without being told before"
            );
            return;
        }
    };
    let client = std::sync::Arc::clone(client);
    tokio::spawn(async move {
        // Lambda waits for this before the first event; an answer never comes, for nothing was asked for.
        if let Err(error) = wait(&client, identifier).await {
            tracing::warn!(
                error,
                "the extension was given up: the process may end without being told before"
            );
        }
    });
}

async fn register(client: &Client) -> Result<HeaderValue, BoxError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/2020-01-01/extension/register")
        .header(NAMED, NAME)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"events":[]}"#))?;
    let response = client.call(request).await?;
    if !response.status().is_success() {
        return Err(format!("Lambda answered {}", response.status()).into());
    }
    response.headers().get(IDENTIFIER).cloned().ok_or_else(|| "Lambda gave no identifier".into())
}

async fn wait(client: &Client, identifier: HeaderValue) -> Result<(), BoxError> {
    let request = Request::builder()
        .method(Method::GET)
        .uri("/2020-01-01/extension/event/next")
        .header(IDENTIFIER, identifier)
        .body(Body::empty())?;
    let response = client.call(request).await?;
    Err(format!("Lambda answered {}", response.status()).into())
}

#[cfg(unix)]
fn obey(shutdown: Shutdown) -> Result<(), BoxError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("shutting down");
        shutdown.trigger();
    });
    Ok(())
}

#[cfg(not(unix))]
fn obey(_: Shutdown) -> Result<(), BoxError> {
    Err("there is no SIGTERM on this system".into())
}
