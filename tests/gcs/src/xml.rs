//! The XML API, as far as signed URLs and downloads use it: one object's GET, HEAD, PUT and DELETE.

use std::time::SystemTime;

use http::header::ETAG;
use http::{Method, StatusCode};

use crate::account::Accounts;
use crate::conditions::Conditions;
use crate::download;
use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::object::{Object, Properties};
use crate::signed;
use crate::store::{Draft, Store};

/// A user's own metadata, as headers.
const META: &str = "x-goog-meta-";

/// `/<bucket>/<name>`
pub(crate) fn object(store: &mut Store, request: &Request, accounts: &Accounts) -> Result<Reply> {
    let Some((bucket, name)) = request.segments.split_first() else { return Err(Failure::no_such_call()) };
    let name = name.join("/");
    // As on the JSON API, it is not asked who reads without a signature: whoever has a token may use either API.
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    if !reads || signed::is_signed(request) {
        signed::verify(request, accounts, SystemTime::now())?;
    }
    let generation = request.number("generation")?;
    let conditions = conditions(request)?;
    match request.method {
        Method::GET | Method::HEAD => {
            let object = store.object(bucket, &name, generation)?;
            conditions.for_read(object)?;
            for_etag(request, &etag(object))?;
            let mut reply = download::media(request, object, &etag(object))?;
            for (name, value) in &object.properties.metadata {
                reply = reply.goog(&format!("meta-{name}"), value);
            }
            Ok(reply)
        }
        Method::PUT => {
            if !request.whole {
                return Err(Failure::new(400, "invalid", "IncompleteBody", "The body is not whole."));
            }
            let (bucket, content) = (bucket.clone(), request.body.clone());
            let properties = properties(request);
            let object = store.put(Draft { bucket, name, content, properties }, &conditions)?;
            Ok(Reply::new(StatusCode::OK)
                .header(ETAG, &etag(&object))
                .goog("generation", &object.generation.to_string())
                .goog("metageneration", &object.metageneration.to_string())
                .goog("stored-content-length", &object.size().to_string())
                .goog("hash", &format!("crc32c={}", object.checksums.crc32c))
                .goog("hash", &format!("md5={}", object.checksums.md5)))
        }
        Method::DELETE => {
            store.delete(bucket, &name, generation, &conditions)?;
            Ok(Reply::no_content())
        }
        _ => Err(Failure::new(405, "notAllowed", "MethodNotAllowed", "The method is not allowed.")),
    }
}

fn etag(object: &Object) -> String {
    format!("\"{}\"", object.checksums.md5_hex)
}

/// What HTTP itself has for reads, by the etag that this API tells.
fn for_etag(request: &Request, etag: &str) -> Result<()> {
    let names = |header: &str| {
        let told = request.header(header)?;
        Some(told.split(',').map(str::trim).any(|one| one == "*" || one == etag))
    };
    if names("if-match") == Some(false) {
        return Err(Failure::condition());
    }
    if names("if-none-match") == Some(true) { Err(Failure::not_modified()) } else { Ok(()) }
}

fn conditions(request: &Request) -> Result<Conditions> {
    let number = |name: &str| {
        let wrong = |text: &str| Failure::invalid(format!("Invalid value for {name}: {text}"));
        request.header(name).map(|text| text.parse::<u64>().map_err(|_| wrong(&text))).transpose()
    };
    Ok(Conditions::matching(number("x-goog-if-generation-match")?, number("x-goog-if-metageneration-match")?))
}

fn properties(request: &Request) -> Properties {
    let text = |name: &str| request.header(name).map(|value| value.into_owned());
    let metadata = request.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(META)?;
        Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    Properties {
        content_type: text("content-type"),
        cache_control: text("cache-control"),
        content_disposition: text("content-disposition"),
        content_encoding: text("content-encoding"),
        content_language: text("content-language"),
        metadata: metadata.collect(),
    }
}
