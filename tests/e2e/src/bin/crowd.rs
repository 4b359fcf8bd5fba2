//! An application for many at once: a backlog that is worked off in batches, and files that are stored and read.

use skyport::prelude::*;

/// The partition of what is done.
const DONE: &str = "done";

#[derive(Resources)]
struct Crowd {
    backlog: Queue<u32>,
    done: Table<u32>,
    files: Bucket,
}

/// Enters each number: harmless when it is done twice.
async fn work(batch: Batch<u32>, cx: Context<Crowd>) -> Result<Outcomes> {
    let (messages, mut outcomes) = batch.split();
    let keys: Vec<String> = messages.iter().map(|(_, number)| format!("{:08}", **number)).collect();
    let items = keys.iter().zip(&messages).map(|(key, (_, number))| ((DONE, key.as_str()), &**number));
    let entered = cx.done.put_many(items).await;
    for ((ticket, _), entered) in messages.into_iter().zip(entered) {
        outcomes.resolve(ticket, entered.map(drop).map_err(Into::into));
    }
    Ok(outcomes)
}

async fn store(request: Request, cx: Context<Crowd>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.files.put(&name, request.into_body()).await?;
    Ok(Response::no_content())
}

async fn read(request: Request, cx: Context<Crowd>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    Ok(Response::ok(cx.files.get(&name).await?.into_body()))
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    let app = App::new("crowd")
        .on_batch("work", Crowd::BACKLOG.batch_size(100).concurrency(2), work)
        .http("store", route::put("/files/{name}"), store)
        .http("read", route::get("/files/{name}"), read);
    skyport::run(app).await
}
