use skyport::prelude::*;

fn hello(_: Request, _: Context<()>) -> Result<Response> {
    Ok(Response::created())
}

fn main() {
    let _ = App::<()>::new("app").http("hello", route::get("/"), hello);
}
