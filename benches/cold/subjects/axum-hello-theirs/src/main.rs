//! The smallest application on bare axum.

use cold_axum::Outcome;

#[tokio::main]
async fn main() -> Outcome {
    cold_axum::serve(cold_axum::hello()).await
}
