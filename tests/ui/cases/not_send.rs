use std::rc::Rc;

use skyport::prelude::*;

async fn hello(_: Request, _: Context<()>) -> Result<Response> {
    let local = Rc::new(1);
    tokio::task::yield_now().await;
    drop(local);
    Ok(Response::created())
}

fn main() {
    let _ = App::<()>::new("app").http("hello", route::get("/"), hello);
}
