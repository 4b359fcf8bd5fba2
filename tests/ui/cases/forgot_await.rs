#![deny(unused_must_use)]

use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    orders: Queue<u32>,
    files: Bucket,
    totals: Table<u32>,
}

async fn work(_: Request, cx: Context<Shop>) -> Result<()> {
    cx.orders.send(&1);
    cx.files.put("a", "1");
    cx.files.get("a");
    cx.totals.put("a", &1);
    cx.totals.delete("a");
    Ok(())
}

fn main() {
    App::new("app").http("work", route::get("/"), work);
}
