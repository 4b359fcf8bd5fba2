//! A Lambda that greets, as lambda_http shows it.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

async fn hello(request: Request) -> Result<Response<Body>, Error> {
    let (status, text) = match request.uri().path().strip_prefix("/hello/") {
        Some(name) if request.method() == "GET" => (200, format!("Hello, {name}!")),
        _ => (404, "there is nothing here".to_owned()),
    };
    let response = Response::builder().status(status).header("content-type", "text/plain; charset=utf-8");
    Ok(response.body(text.into())?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().without_time().with_max_level(tracing::Level::INFO).init();
    run(service_fn(hello)).await
}
