//! A Lambda with a bucket, a queue and a table, as Skyport's users write it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skyport::prelude::*;

/// The most notes in one answer.
const PAGE: usize = 100;

/// For how long a shared URL works.
const SHARED_FOR: Duration = Duration::from_secs(600);

#[derive(Resources)]
struct Notes {
    texts: Bucket,
    index: Table<Note>,
    written: Queue<Note>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    name: String,
    bytes: usize,
}

/// Needs no client.
async fn ready(_: Request, _: Context<Notes>) -> Result<&'static str> {
    Ok("ready")
}

async fn write(request: Request, cx: Context<Notes>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    let text = request.bytes().await?;
    let note = Note { bytes: text.len(), name };
    cx.texts.put(&note.name, text).await?;
    cx.index.put(("notes", &note.name), &note).await?;
    cx.written.send(&note).await?;
    Ok(Response::created())
}

async fn read(request: Request, cx: Context<Notes>) -> Result<Response> {
    let object = cx.texts.get(&request.path_param::<String>("name")?).await?;
    Ok(Response::ok(object.into_body()).with_content_type("text/plain; charset=utf-8"))
}

async fn list(_: Request, cx: Context<Notes>) -> Result<Response> {
    let page = cx.index.query("notes").page_size(PAGE).page().await?;
    let notes: Vec<&Note> = page.entries.iter().map(|entry| &entry.value).collect();
    Response::json(&notes)
}

async fn share(request: Request, cx: Context<Notes>) -> Result<String> {
    let name: String = request.path_param("name")?;
    cx.texts.head(&name).await?;
    Ok(cx.texts.sign_get(&name, SHARED_FOR).await?.url)
}

async fn delete(request: Request, cx: Context<Notes>) -> Result<Response> {
    let name: String = request.path_param("name")?;
    cx.texts.delete(&name).await?;
    cx.index.delete(("notes", &name)).await?;
    Ok(Response::no_content())
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    let app = App::new("notes")
        .http("ready", route::get("/"), ready)
        .http("write", route::put("/notes/{name}"), write)
        .http("read", route::get("/notes/{name}"), read)
        .http("list", route::get("/notes"), list)
        .http("share", route::post("/notes/{name}/share"), share)
        .http("delete", route::delete("/notes/{name}"), delete);
    skyport::run(app).await
}
