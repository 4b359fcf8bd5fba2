//! The smallest application: `cargo run --example hello`, then `curl localhost:8080/hello/Ada`.

use skyport::prelude::*;

async fn hello(request: Request, _: Context<()>) -> Result<String> {
    Ok(format!("Hello, {}!\n", request.path_param::<String>("name")?))
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    skyport::run(App::new("hello").http("hello", route::get("/hello/{name}"), hello)).await
}

#[tokio::test(start_paused = true)]
async fn it_greets() {
    let test =
        skyport::testing::start(App::new("hello").http("hello", route::get("/hello/{name}"), hello)).await;
    assert_eq!(test.get("/hello/Ada%20L").await.assert_status(200).text(), "Hello, Ada L!\n");
}
