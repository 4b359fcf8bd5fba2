//! The shop on axum with the raw clients of Google Cloud: an order is filed in a bucket, put on a table and sent to a queue.

mod clients;
mod firestore;
mod pubsub;
mod storage;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use cold_axum::Outcome;
use serde::{Deserialize, Serialize};

use clients::Clients;

#[derive(Serialize, Deserialize)]
struct Order {
    customer: String,
    cents: i64,
}

async fn order(
    State(clients): State<Arc<Clients>>,
    Path(id): Path<String>,
    Json(order): Json<Order>,
) -> Result<StatusCode, StatusCode> {
    match file(&clients, &id, &order).await {
        Ok(()) => Ok(StatusCode::CREATED),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn file(clients: &Clients, id: &str, order: &Order) -> Outcome {
    clients.receipts.put(id, format!("{} cents", order.cents)).await?;
    clients.orders.put(&order.customer, serde_json::to_vec(order)?).await?;
    clients.jobs.send(serde_json::to_vec(order)?).await
}

#[tokio::main]
async fn main() -> Outcome {
    let clients = Arc::new(Clients::of_environment()?);
    cold_axum::serve(cold_axum::hello().route("/orders/{id}", post(order)).with_state(clients)).await
}
