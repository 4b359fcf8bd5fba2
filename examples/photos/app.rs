//! What the application stores, and which function does what.

use serde::{Deserialize, Serialize};
use skyport::prelude::*;

use crate::{catalogue, http, sweep, thumbnail, upload};

/// The largest picture that is taken.
const MAX_PICTURE: u64 = 20 << 20;

/// What the application stores; opened once, shared by every function.
#[derive(Resources)]
pub(crate) struct Photos {
    pub(crate) originals: Bucket,
    pub(crate) thumbnails: Bucket,
    #[resource(max_attempts = 5)]
    pub(crate) resize: Queue<Resize>,
    pub(crate) catalogue: Table<Photo>,
}

/// A thumbnail is to be made of this content of this original.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resize {
    pub(crate) name: String,
    pub(crate) etag: String,
}

/// A photo as the catalogue shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) etag: String,
    pub(crate) state: State,
}

/// How far a photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Its thumbnail is still to be made.
    Pending,
    /// Its thumbnail is there.
    Ready,
    /// It cannot be decoded; the reason is with its dead letter.
    Failed,
}

pub(crate) fn app() -> App<Photos> {
    let pictures = route::put("/photos/{name}").accepts(["image/jpeg", "image/png"]).body_limit(MAX_PICTURE);
    App::new("photos")
        .http("upload", pictures, upload::upload)
        .http("photo", route::get("/photos/{name}"), http::photo)
        .http("delete", route::delete("/photos/{name}"), http::delete)
        .http("list", route::get("/photos"), http::list)
        .http("thumbnail", route::get("/thumbnails/{name}"), http::thumbnail)
        .http("share", route::post("/photos/{name}/share"), http::share)
        .on_blob_created("added", Photos::ORIGINALS, catalogue::changed)
        .on_blob_deleted("removed", Photos::ORIGINALS, catalogue::changed)
        .on_message("resize", Photos::RESIZE.concurrency(4), thumbnail::make)
        .on_schedule("sweep", "0 3 * * *", sweep::sweep)
}
