use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    orders: Queue<u32>,
}

#[derive(Resources)]
struct Bank {
    orders: Queue<u32>,
}

async fn work(_: Message<u32>, _: Context<Shop>) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = App::<Shop>::new("app").on_message("work", Bank::ORDERS, work);
}
