//! What the programs without Skyport share: where they serve, and how they stop.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// What can go wrong.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The route that all of them have.
pub fn hello<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/hello/{name}", get(async |Path(name): Path<String>| format!("Hello, {name}!\n")))
}

/// Serves where the platform says, until it says to stop; what is at work may end.
///
/// # Errors
/// Where the port is no number or not free.
pub async fn serve(router: Router) -> Outcome {
    let variable = |name| std::env::var(name).ok();
    let (host, port) = match variable("FUNCTIONS_CUSTOMHANDLER_PORT") {
        Some(port) => (IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        None => {
            let host = variable("HOST").map(|host| host.parse()).transpose()?;
            let port = variable("PORT").unwrap_or_else(|| "8080".to_owned());
            (host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port)
        }
    };
    let listener = TcpListener::bind((host, port.parse()?)).await?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(axum::serve(listener, router).with_graceful_shutdown(told).await?)
}
