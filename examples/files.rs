//! Files of any size, streamed in and out: `cargo run --example files`, then
//!
//! ```sh
//! curl -T film.mp4 localhost:8080/files/film.mp4
//! curl -O localhost:8080/files/film.mp4
//! curl -X DELETE localhost:8080/files/film.mp4
//! ```

use skyport::prelude::*;

/// The largest file that is taken.
const MAX_FILE: u64 = 8 << 30;

#[derive(Resources)]
struct Files {
    files: Bucket,
}

async fn put(request: Request, cx: Context<Files>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.files.put(&name, request.into_body()).await?;
    Ok(Response::no_content())
}

async fn get(request: Request, cx: Context<Files>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    Ok(Response::ok(cx.files.get(&name).await?.into_body()))
}

async fn delete(request: Request, cx: Context<Files>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.files.delete(&name).await?;
    Ok(Response::no_content())
}

fn app() -> App<Files> {
    App::new("files")
        .http("put", route::put("/files/{name}").body_limit(MAX_FILE), put)
        .http("get", route::get("/files/{name}"), get)
        .http("delete", route::delete("/files/{name}"), delete)
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    skyport::run(app()).await
}

#[tokio::test(start_paused = true)]
async fn what_is_put_can_be_got_until_it_is_deleted() {
    let test = skyport::testing::start(app()).await;
    test.put("/files/a.txt", "first").await.assert_status(204);
    test.put("/files/a.txt", "second").await.assert_status(204);
    assert_eq!(test.get("/files/a.txt").await.assert_status(200).text(), "second");
    test.delete("/files/a.txt").await.assert_status(204);
    test.get("/files/a.txt").await.assert_status(404);
}
