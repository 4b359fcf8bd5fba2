use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    #[resource(max_atempts = 5)]
    orders: Queue<u32>,
}

fn main() {}
