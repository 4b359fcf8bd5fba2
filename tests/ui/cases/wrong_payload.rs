use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    orders: Queue<u32>,
}

async fn work(_: Message<String>, _: Context<Shop>) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = App::new("app").on_message("work", Shop::ORDERS, work);
}
