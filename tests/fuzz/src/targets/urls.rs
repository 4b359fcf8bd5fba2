//! URLs of resources, routes and what is asked of them.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use skyport_core::app::{App, Context, Declaration, HandlerResult, Invocation, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::http::{Request, route};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};

use super::cloud_run::told;
use crate::{sound, text, worlds};

/// A URL is read the same again once its parts are written in percent encoding, and tells no parameter's value.
pub(super) fn resource(input: &[u8]) {
    let text = text::of(input);
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let values: Vec<&str> = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1)).collect();
    let url: ResourceUrl = match text.parse() {
        Ok(url) => url,
        Err(error) => {
            sound::refusal(&error);
            return;
        }
    };
    let shown = format!("{url:?}");
    sound::line(&shown);
    // What stands in a name, too, is shown as such.
    let shown_name = |name: &str| percent_decode_str(name).decode_utf8_lossy().escape_debug().to_string();
    let mut names = vec![shown_name(text.split('?').next().unwrap_or_default())];
    names.extend(query.split('&').filter_map(|pair| pair.split('=').next()).map(shown_name));
    for value in values.into_iter().filter(|value| names.iter().all(|name| !name.contains(value))) {
        sound::hides(&shown, value);
    }
    for refused in
        [url.expect_only(&["region"]), url.expect_scheme("azblob")].into_iter().filter_map(Result::err)
    {
        sound::refusal(&refused);
    }
    let again = ResourceUrl::new(url.scheme(), url.name());
    assert_eq!((again.scheme(), again.name()), (url.scheme(), url.name()));
}

struct Nothing;

impl Opener for Nothing {
    fn bucket(&self, _: &Declaration) -> Result<Arc<dyn BlobStore>> {
        Err(Error::internal("there is none"))
    }

    fn queue(&self, _: &Declaration, _: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Err(Error::internal("there is none"))
    }

    fn table(&self, _: &Declaration, _: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Err(Error::internal("there is none"))
    }
}

async fn asked(request: Request, _: Context<()>) -> HandlerResult<String> {
    let number: Option<u64> = request.query_param("n")?;
    let text: Option<String> = request.query_param("text")?;
    let part: String = request.path_param("part")?;
    Ok(format!("{number:?} {text:?} {part}"))
}

async fn fixed(_: Request, _: Context<()>) -> HandlerResult<&'static str> {
    Ok("fixed")
}

/// A route is refused when the application is put together, or finds requests; each has an answer.
pub(super) fn route(input: &[u8]) {
    let text = text::of(input);
    let (path, targets) = text.split_once('\n').unwrap_or((&text, ""));
    let app = App::<()>::new("routes").http("asked", route::any(path), asked).http(
        "fixed",
        route::get("/fixed/{part}"),
        fixed,
    );
    let functions = match app.bind(&Nothing) {
        Ok((functions, _)) => functions,
        Err(error) => {
            sound::error(&error);
            return;
        }
    };
    for target in targets.lines().take(16) {
        let Ok(request) = Request::new(http::Method::GET, target, "") else { continue };
        worlds::paused(async {
            told(functions.http(request, Invocation::default()).await).await;
        });
    }
}
