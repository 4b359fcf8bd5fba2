//! An object: its bytes, its properties, and the resource that tells of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::checksum::Checksums;
use crate::error::{Failure, Result};
use crate::time::{micros, rfc3339};

/// The longest name in bytes.
const LONGEST_NAME: usize = 1_024;
/// The most bytes of a user's own metadata, names and values.
const MOST_METADATA: usize = 8 * 1_024;

/// One generation of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) generation: u64,
    pub(crate) metageneration: u64,
    pub(crate) content: Bytes,
    pub(crate) checksums: Checksums,
    pub(crate) properties: Properties,
    pub(crate) created: SystemTime,
    pub(crate) updated: SystemTime,
    /// When a newer one took its place, in a bucket that keeps the old ones.
    pub(crate) deleted: Option<SystemTime>,
}

/// What may be said of an object by who writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Properties {
    fn texts(&mut self) -> [(&'static str, &mut Option<String>); 5] {
        [
            ("contentType", &mut self.content_type),
            ("cacheControl", &mut self.cache_control),
            ("contentDisposition", &mut self.content_disposition),
            ("contentEncoding", &mut self.content_encoding),
            ("contentLanguage", &mut self.content_language),
        ]
    }

    /// Of a resource that is sent with an upload or a rewrite.
    pub(crate) fn of(resource: &Map<String, Value>) -> Result<Self> {
        let mut properties = Self::default();
        properties.merge(resource)?;
        Ok(properties)
    }

    /// Merges a patch: what is null is taken away.
    pub(crate) fn merge(&mut self, patch: &Map<String, Value>) -> Result<()> {
        for (field, text) in self.texts() {
            match patch.get(field) {
                None => {}
                Some(Value::Null) => *text = None,
                Some(Value::String(new)) => *text = Some(new.clone()).filter(|new| !new.is_empty()),
                Some(_) => return Err(Failure::invalid(format!("Invalid value for: {field}"))),
            }
        }
        match patch.get("metadata") {
            None => {}
            Some(Value::Null) => self.metadata.clear(),
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    match value {
                        Value::Null => drop(self.metadata.remove(name)),
                        Value::String(new) => drop(self.metadata.insert(name.clone(), new.clone())),
                        _ => return Err(Failure::invalid(format!("Invalid value for: metadata.{name}"))),
                    }
                }
            }
            Some(_) => return Err(Failure::invalid("Invalid value for: metadata")),
        }
        self.check()
    }

    /// Holds it to Google's limits.
    pub(crate) fn check(&self) -> Result<()> {
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MOST_METADATA {
            return Err(Failure::invalid("The metadata for your object exceeds the maximum allowed size."));
        }
        if self.metadata.keys().any(String::is_empty) {
            return Err(Failure::invalid("A key of metadata is empty."));
        }
        Ok(())
    }
}

/// Whether an object may have this name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let bad = name.is_empty()
        || name.len() > LONGEST_NAME
        || name.contains(['\r', '\n'])
        || [".", ".."].contains(&name)
        || name.starts_with(".well-known/acme-challenge/");
    if bad { Err(Failure::invalid(format!("Invalid object name: '{name}'"))) } else { Ok(()) }
}

impl Object {
    pub(crate) fn size(&self) -> u64 {
        self.content.len() as u64
    }

    /// Opaque; another one for each generation and metageneration.
    pub(crate) fn etag(&self) -> String {
        let mut bytes = vec![8];
        varint(self.generation, &mut bytes);
        bytes.push(16);
        varint(self.metageneration, &mut bytes);
        STANDARD.encode(bytes)
    }

    /// The resource of the JSON API, reached at `url`.
    pub(crate) fn resource(&self, url: &str) -> Value {
        let (bucket, name, generation) = (&self.bucket, &self.name, self.generation);
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let mut resource = json!({
            "kind": "storage#object",
            "id": format!("{bucket}/{name}/{generation}"),
            "selfLink": format!("{url}/storage/v1/b/{bucket}/o/{encoded}"),
            "mediaLink": format!("{url}/download/storage/v1/b/{bucket}/o/{encoded}?generation={generation}&alt=media"),
            "name": name,
            "bucket": bucket,
            "generation": generation.to_string(),
            "metageneration": self.metageneration.to_string(),
            "storageClass": "STANDARD",
            "size": self.size().to_string(),
            "md5Hash": self.checksums.md5,
            "crc32c": self.checksums.crc32c,
            "etag": self.etag(),
            "timeCreated": rfc3339(self.created),
            "updated": rfc3339(self.updated),
            "timeStorageClassUpdated": rfc3339(self.created),
            "timeFinalized": rfc3339(self.created),
        });
        for (field, text) in self.properties.clone().texts() {
            if let Some(text) = text.take() {
                resource[field] = Value::String(text);
            }
        }
        if !self.properties.metadata.is_empty() {
            resource["metadata"] = json!(self.properties.metadata);
        }
        if let Some(deleted) = self.deleted {
            resource["timeDeleted"] = Value::String(rfc3339(deleted));
        }
        resource
    }
}

/// A generation that is newer than all before it, and tells the time.
pub(crate) fn next_generation(last: u64) -> u64 {
    micros(SystemTime::now()).max(last.saturating_add(1))
}

fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
