//! Buckets: made for a project, told of, changed, and deleted once they are empty.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::Method;
use serde_json::{Map, Value, json};

use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::store::{Bucket, Store};
use crate::time::rfc3339;

/// What the service says of a bucket and nobody else.
const OWN: [&str; 8] =
    ["kind", "id", "name", "selfLink", "projectNumber", "timeCreated", "metageneration", "etag"];

impl Bucket {
    fn resource(&self, name: &str, url: &str) -> Value {
        let mut resource = self.settings.clone();
        let mut say = |field: &str, value: Value| resource.insert(field.to_owned(), value);
        say("kind", json!("storage#bucket"));
        say("id", json!(name));
        say("name", json!(name));
        say("selfLink", json!(format!("{url}/storage/v1/b/{name}")));
        say("projectNumber", json!("1"));
        say("timeCreated", json!(rfc3339(self.created)));
        say("metageneration", json!(self.metageneration.to_string()));
        say("etag", json!(self.metageneration.to_string()));
        resource.entry("location").or_insert(json!("US"));
        resource.entry("storageClass").or_insert(json!("STANDARD"));
        Value::Object(resource)
    }

    /// Merges what its owner says; what is null is taken away.
    fn merge(&mut self, patch: Map<String, Value>) {
        for (field, value) in patch.into_iter().filter(|(field, _)| !OWN.contains(&field.as_str())) {
            if value.is_null() {
                self.settings.remove(&field);
            } else {
                self.settings.insert(field, value);
            }
        }
    }
}

/// `/storage/v1/b`
pub(crate) fn all(store: &mut Store, request: &Request) -> Result<Reply> {
    let project = request.parameter("project").filter(|project| !project.is_empty());
    let project = project.ok_or_else(|| Failure::required("project"))?;
    match request.method {
        Method::GET => {
            let prefix = request.parameter("prefix").unwrap_or_default();
            let of_project =
                |(name, bucket): &(&String, &Bucket)| bucket.project == project && name.starts_with(prefix);
            let items: Vec<_> = store.buckets.iter().filter(of_project).collect();
            let items: Vec<_> =
                items.into_iter().map(|(name, bucket)| bucket.resource(name, &store.url)).collect();
            let mut answer = json!({ "kind": "storage#buckets" });
            if !items.is_empty() {
                answer["items"] = Value::Array(items);
            }
            Ok(Reply::json(&answer))
        }
        Method::POST => {
            let resource = request.json()?;
            let name =
                resource.get("name").and_then(Value::as_str).ok_or_else(|| Failure::required("name"))?;
            check_name(name)?;
            if store.buckets.contains_key(name) {
                let message =
                    "Your previous request to create the named bucket succeeded and you already own it.";
                return Err(Failure::conflict(message));
            }
            let name = name.to_owned();
            let mut bucket = Bucket {
                project: project.to_owned(),
                settings: Map::new(),
                metageneration: 1,
                created: SystemTime::now(),
                objects: BTreeMap::new(),
                listeners: BTreeMap::new(),
            };
            bucket.merge(resource);
            let reply = Reply::json(&bucket.resource(&name, &store.url));
            store.buckets.insert(name, bucket);
            Ok(reply)
        }
        _ => Err(Failure::no_such_call()),
    }
}

/// `/storage/v1/b/<bucket>`
pub(crate) fn one(store: &mut Store, request: &Request, name: &str) -> Result<Reply> {
    let url = store.url.clone();
    let bucket = store.bucket_mut(name)?;
    let wanted = request.number("ifMetagenerationMatch")?;
    if wanted.is_some_and(|wanted| wanted != bucket.metageneration) {
        return Err(Failure::condition());
    }
    match request.method {
        Method::GET => Ok(Reply::json(&bucket.resource(name, &url))),
        Method::PATCH => {
            bucket.merge(request.json()?);
            bucket.metageneration += 1;
            Ok(Reply::json(&bucket.resource(name, &url)))
        }
        Method::DELETE if bucket.objects.is_empty() => {
            store.buckets.remove(name);
            Ok(Reply::no_content())
        }
        Method::DELETE => Err(Failure::conflict("The bucket you tried to delete is not empty.")),
        _ => Err(Failure::no_such_call()),
    }
}

/// As Google's page on naming buckets has it.
fn check_name(name: &str) -> Result<()> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let outer = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let longest = if name.contains('.') { 222 } else { 63 };
    let sound = (3..=longest).contains(&bytes.len())
        && name.split('.').all(|part| (1..=63).contains(&part.len()))
        && bytes.iter().all(|b| inner(*b))
        && outer(bytes.first())
        && outer(bytes.last())
        && !name.starts_with("goog")
        && !name.contains("google");
    if sound { Ok(()) } else { Err(Failure::invalid(format!("Invalid bucket name: '{name}'"))) }
}
