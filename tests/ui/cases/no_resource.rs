use skyport::prelude::*;

#[derive(Resources)]
struct Shop {
    client: String,
}

fn main() {}
