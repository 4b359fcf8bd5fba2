use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    orders: Queue<u32>,
}

async fn work(_: Batch<u32>, _: Context<Shop>) -> Result<Outcomes> {
    Ok(Outcomes { outcomes: Vec::new(), groups: Vec::new() })
}

fn main() {
    let _ = App::new("app").on_batch("work", Shop::ORDERS, work);
}
