//! The smallest application: one route, no resource.

use skyport::prelude::*;

async fn hello(request: Request, _: Context<()>) -> Result<String> {
    Ok(format!("Hello, {}!\n", request.path_param::<String>("name")?))
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    skyport::run(App::new("hello").http("hello", route::get("/hello/{name}"), hello)).await
}
