//! Photos: pictures are uploaded, thumbnails made, a catalogue kept. One application; no cloud is named in it.
//!
//! ```sh
//! cargo run --example photos
//! curl -T cat.jpg localhost:8080/photos/cat.jpg
//! curl -o small.jpg localhost:8080/thumbnails/cat.jpg
//! ```
//!
//! Every upload that is answered 201 gets its thumbnail, whatever crashes: the bucket tells of each new original in the
//! same step that stores it, and `catalogue` works from that. Each piece of work may run twice and does no harm.

mod app;
mod catalogue;
mod http;
mod picture;
mod sweep;
mod thumbnail;
mod upload;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(std::io::stdout().is_terminal())
        .init();
    skyport::run(app::app()).await
}
