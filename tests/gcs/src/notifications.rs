//! Configurations of notifications, and the messages that they make of changes.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::Method;
use serde_json::{Map, Value, json};

use crate::error::{Failure, Result};
use crate::exchange::{Reply, Request};
use crate::object::Object;
use crate::store::Store;
use crate::time::rfc3339;

/// The most for one bucket.
const MOST: usize = 100;
const TYPES: [&str; 4] = ["OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE"];

/// Who is told of changes in a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// `//pubsub.googleapis.com/projects/p/topics/t`
    topic: String,
    /// All where it is empty.
    types: Vec<String>,
    prefix: String,
    attributes: BTreeMap<String, String>,
    payload: bool,
}

/// What befell an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Finalized { overwrote: Option<u64> },
    Deleted { by: Option<u64> },
    Archived { by: Option<u64> },
    MetadataUpdated,
}

impl Change {
    /// It is not live any more; another generation may have taken its place.
    pub(crate) fn gone(kept: bool, by: Option<u64>) -> Self {
        if kept { Self::Archived { by } } else { Self::Deleted { by } }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Finalized { .. } => "OBJECT_FINALIZE",
            Self::Deleted { .. } => "OBJECT_DELETE",
            Self::Archived { .. } => "OBJECT_ARCHIVE",
            Self::MetadataUpdated => "OBJECT_METADATA_UPDATE",
        }
    }
}

/// A message for a topic.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// `projects/p/topics/t`
    pub(crate) topic: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) data: String,
}

impl Listener {
    fn of(config: &Map<String, Value>) -> Result<Self> {
        let text = |field: &str| config.get(field).and_then(Value::as_str);
        let topic = text("topic").ok_or_else(|| Failure::required("topic"))?;
        if topic_path(topic).is_none() {
            return Err(Failure::invalid(format!("Invalid Google Cloud Pub/Sub topic name: {topic}")));
        }
        let payload = match text("payload_format") {
            Some("JSON_API_V1") => true,
            Some("NONE") => false,
            Some(_) => return Err(Failure::invalid("Invalid value for: payload_format")),
            None => return Err(Failure::required("payload_format")),
        };
        let types = match config.get("event_types") {
            None | Some(Value::Null) => Vec::new(),
            Some(types) => texts(types).ok_or_else(|| Failure::invalid("Invalid value for: event_types"))?,
        };
        if let Some(unknown) = types.iter().find(|name| !TYPES.contains(&name.as_str())) {
            return Err(Failure::invalid(format!("Invalid event type: {unknown}")));
        }
        let attributes = match config.get("custom_attributes") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(all) => serde_json::from_value(all.clone())
                .map_err(|_| Failure::invalid("Invalid value for: custom_attributes"))?,
        };
        let prefix = text("object_name_prefix").unwrap_or_default().to_owned();
        Ok(Self { topic: topic.to_owned(), types, prefix, attributes, payload })
    }

    fn resource(&self, bucket: &str, id: u64, url: &str) -> Value {
        let mut resource = json!({
            "kind": "storage#notification",
            "id": id.to_string(),
            "selfLink": format!("{url}/storage/v1/b/{bucket}/notificationConfigs/{id}"),
            "etag": id.to_string(),
            "topic": self.topic,
            "payload_format": if self.payload { "JSON_API_V1" } else { "NONE" },
        });
        if !self.types.is_empty() {
            resource["event_types"] = json!(self.types);
        }
        if !self.prefix.is_empty() {
            resource["object_name_prefix"] = json!(self.prefix);
        }
        if !self.attributes.is_empty() {
            resource["custom_attributes"] = json!(self.attributes);
        }
        resource
    }

    /// What it is told of a change, where it asked for such.
    pub(crate) fn message(&self, id: u64, object: &Object, change: Change, url: &str) -> Option<Message> {
        let wanted = self.types.is_empty() || self.types.iter().any(|name| name == change.name());
        if !wanted || !object.name.starts_with(&self.prefix) {
            return None;
        }
        let mut attributes = self.attributes.clone();
        let bucket = &object.bucket;
        let mut say = |name: &str, value: String| attributes.insert(name.to_owned(), value);
        say("notificationConfig", format!("projects/_/buckets/{bucket}/notificationConfigs/{id}"));
        say("eventType", change.name().to_owned());
        say("payloadFormat", if self.payload { "JSON_API_V1" } else { "NONE" }.to_owned());
        say("bucketId", bucket.clone());
        say("objectId", object.name.clone());
        say("objectGeneration", object.generation.to_string());
        say("eventTime", rfc3339(SystemTime::now()));
        match change {
            Change::Finalized { overwrote: Some(other) } => say("overwroteGeneration", other.to_string()),
            Change::Deleted { by: Some(other) } | Change::Archived { by: Some(other) } => {
                say("overwrittenByGeneration", other.to_string())
            }
            _ => None,
        };
        let data = if self.payload { object.resource(url).to_string() } else { String::new() };
        Some(Message { topic: topic_path(&self.topic)?.to_owned(), attributes, data })
    }
}

/// `projects/p/topics/t`
fn topic_path(topic: &str) -> Option<&str> {
    let path = topic.strip_prefix("//pubsub.googleapis.com/")?;
    let parts: Vec<&str> = path.split('/').collect();
    let sound = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    match parts[..] {
        ["projects", project, "topics", topic] if sound(project) && sound(topic) => Some(path),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// `/storage/v1/b/<bucket>/notificationConfigs`
pub(crate) fn all(store: &mut Store, request: &Request, bucket: &str) -> Result<Reply> {
    let url = store.url.clone();
    match request.method {
        Method::GET => {
            let listeners = store.bucket(bucket)?.listeners.iter();
            let items: Vec<_> =
                listeners.map(|(id, listener)| listener.resource(bucket, *id, &url)).collect();
            let mut answer = json!({ "kind": "storage#notifications" });
            if !items.is_empty() {
                answer["items"] = Value::Array(items);
            }
            Ok(Reply::json(&answer))
        }
        Method::POST => {
            let listener = Listener::of(&request.json()?)?;
            let id = store.next_id();
            let listeners = &mut store.bucket_mut(bucket)?.listeners;
            if listeners.len() >= MOST {
                return Err(Failure::invalid(format!("A bucket has at most {MOST} notification configs.")));
            }
            let resource = listener.resource(bucket, id, &url);
            listeners.insert(id, listener);
            Ok(Reply::json(&resource))
        }
        _ => Err(Failure::no_such_call()),
    }
}

/// `/storage/v1/b/<bucket>/notificationConfigs/<id>`
pub(crate) fn one(store: &mut Store, request: &Request, bucket: &str, id: &str) -> Result<Reply> {
    let url = store.url.clone();
    let listeners = &mut store.bucket_mut(bucket)?.listeners;
    let absent = || Failure::new(404, "notFound", "NoSuchKey", format!("Notification {id} does not exist."));
    let id: u64 = id.parse().map_err(|_| absent())?;
    let listener = listeners.get(&id).ok_or_else(absent)?;
    match request.method {
        Method::GET => Ok(Reply::json(&listener.resource(bucket, id, &url))),
        Method::DELETE => {
            listeners.remove(&id);
            Ok(Reply::no_content())
        }
        _ => Err(Failure::no_such_call()),
    }
}
