//! Copies by `rewriteTo`: a larger object takes several calls, each with the token of the one before.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::conditions::Conditions;
use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::object::Properties;
use crate::store::{Draft, Store};

/// What one call copies, where the caller does not say less. Google takes more; so small a step shows who does not go on.
const STEP: u64 = 1 << 20;
/// The most steps of copies that are remembered.
const MOST: usize = 1_000;

/// A copy that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    /// From and to, as the first call named them.
    path: String,
    content: Bytes,
    properties: Properties,
    source_generation: u64,
    written: u64,
}

/// `POST /storage/v1/b/<bucket>/o/<name>/rewriteTo/b/<bucket>/o/<name>`
pub(crate) fn rewrite(
    store: &mut Store,
    request: &Request,
    (from_bucket, from): (&str, &str),
    (to_bucket, to): (&str, &str),
) -> Result<Reply> {
    if request.method != Method::POST {
        return Err(Failure::no_such_call());
    }
    let step = request.number("maxBytesRewrittenPerCall")?.unwrap_or(STEP);
    if step == 0 || step % (1 << 20) != 0 {
        return Err(Failure::invalid("maxBytesRewrittenPerCall must be a multiple of 1 MiB."));
    }
    let (conditions, of_source) = (Conditions::of(request)?, Conditions::of_source(request)?);
    let token = request.parameter("rewriteToken").filter(|token| !token.is_empty());
    let generation = request.number("sourceGeneration")?;
    let mut rewrite = match token {
        Some(token) => {
            let known = number(token).and_then(|number| store.rewrites.get(&number));
            let known = known.filter(|known| known.path == request.path);
            let known = known.ok_or_else(|| Failure::invalid("Invalid rewrite token."))?.clone();
            let source = store.object(from_bucket, from, Some(known.source_generation))?;
            of_source.for_write(Some(source))?;
            known
        }
        None => {
            let source = store.object(from_bucket, from, generation)?;
            of_source.for_write(Some(source))?;
            let resource = request.json()?;
            // What is said replaces all that the source has.
            let properties =
                if resource.is_empty() { source.properties.clone() } else { Properties::of(&resource)? };
            Rewrite {
                path: request.path.clone(),
                content: source.content.clone(),
                properties,
                source_generation: source.generation,
                written: 0,
            }
        }
    };
    conditions.for_write(store.bucket(to_bucket)?.live(to))?;
    let size = rewrite.content.len() as u64;
    rewrite.written = size.min(rewrite.written + step.min(STEP));
    let mut answer = json!({
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": rewrite.written.to_string(),
        "objectSize": size.to_string(),
        "done": rewrite.written == size,
    });
    if rewrite.written < size {
        let number = store.next_id();
        // The tokens before it stay good: an answer may be lost.
        store.rewrites.insert(number, rewrite);
        if store.rewrites.len() > MOST {
            store.rewrites.pop_first();
        }
        answer["rewriteToken"] = json!(format!("rewrite-{number}"));
        return Ok(Reply::json(&answer));
    }
    let Rewrite { content, properties, .. } = rewrite;
    let draft = Draft { bucket: to_bucket.to_owned(), name: to.to_owned(), content, properties };
    let object = store.put(draft, &conditions)?;
    answer["resource"] = object.resource(&store.url);
    Ok(Reply::json(&answer))
}

fn number(token: &str) -> Option<u64> {
    token.strip_prefix("rewrite-")?.parse().ok()
}
