//! A shop: an order is filed in a bucket, put on a table and sent to a queue.

use serde::{Deserialize, Serialize};
use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    receipts: Bucket,
    jobs: Queue<Order>,
    orders: Table<Order>,
}

#[derive(Serialize, Deserialize)]
struct Order {
    customer: String,
    cents: i64,
}

async fn hello(request: Request, _: Context<Shop>) -> Result<String> {
    Ok(format!("Hello, {}!\n", request.path_param::<String>("name")?))
}

async fn order(request: Request, shop: Context<Shop>) -> Result<StatusCode> {
    let id: String = request.path_param("id")?;
    let order: Order = request.json().await?;
    shop.receipts.put(&id, format!("{} cents", order.cents)).await?;
    shop.orders.put(order.customer.as_str(), &order).await?;
    shop.jobs.send(&order).await?;
    Ok(StatusCode::CREATED)
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    let app = App::new("shop").http("hello", route::get("/hello/{name}"), hello).http(
        "order",
        route::post("/orders/{id}"),
        order,
    );
    skyport::run(app).await
}
