//! Buckets and what is in them. Every change of an object goes through here: it takes a new generation, and tells who listens.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::checksum::Checksums;
use crate::conditions::Conditions;
use crate::error::{Failure, Result};
use crate::notifications::{Change, Listener, Message};
use crate::object::{self, Object, Properties};
use crate::rewrite::Rewrite;
use crate::session::Session;

/// The most bytes in all objects and unfinished uploads: it is a test's memory that they are in.
const MOST_BYTES: u64 = 4 << 30;

/// All that the server knows.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The server's own address: `http://127.0.0.1:40123`
    pub(crate) url: String,
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) sessions: BTreeMap<u64, Session>,
    pub(crate) rewrites: BTreeMap<u64, Rewrite>,
    /// What is still to be published.
    pub(crate) outbox: Vec<Message>,
    last_generation: u64,
    last_id: u64,
    bytes: u64,
}

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) project: String,
    /// What its owner said of it.
    pub(crate) settings: Map<String, Value>,
    pub(crate) metageneration: u64,
    pub(crate) created: SystemTime,
    /// By name, each from its oldest generation on.
    pub(crate) objects: BTreeMap<String, Vec<Object>>,
    pub(crate) listeners: BTreeMap<u64, Listener>,
}

impl Bucket {
    pub(crate) fn keeps_versions(&self) -> bool {
        self.settings.get("versioning").and_then(|versioning| versioning["enabled"].as_bool()) == Some(true)
    }

    /// The object as it is now.
    pub(crate) fn live(&self, name: &str) -> Option<&Object> {
        self.objects.get(name)?.last().filter(|object| object.deleted.is_none())
    }
}

/// An object to be written.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) content: Bytes,
    pub(crate) properties: Properties,
}

impl Store {
    /// An empty one, reached at this URL.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// The bucket of that name.
    pub(crate) fn bucket(&self, name: &str) -> Result<&Bucket> {
        self.buckets.get(name).ok_or_else(Failure::no_bucket)
    }

    pub(crate) fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(Failure::no_bucket)
    }

    /// A number that was not given before.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The live object, or the generation that is named.
    pub(crate) fn object(&self, bucket: &str, name: &str, generation: Option<u64>) -> Result<&Object> {
        let found = self.bucket(bucket)?;
        let object = match generation {
            None => found.live(name),
            Some(wanted) => {
                let all = found.objects.get(name).into_iter().flatten();
                all.into_iter().find(|object| object.generation == wanted)
            }
        };
        object.ok_or_else(|| Failure::no_object(bucket, name))
    }

    /// Counts bytes that are kept from now on.
    pub(crate) fn reserve(&mut self, bytes: u64) -> Result<()> {
        if self.bytes.saturating_add(bytes) > MOST_BYTES {
            let message = format!("This test server keeps {MOST_BYTES} bytes and no more.");
            return Err(Failure::new(507, "insufficientStorage", "InsufficientStorage", message));
        }
        self.bytes += bytes;
        Ok(())
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Makes it the live object of its name, where the conditions hold.
    pub(crate) fn put(&mut self, draft: Draft, conditions: &Conditions) -> Result<Object> {
        object::check_name(&draft.name)?;
        draft.properties.check()?;
        conditions.for_write(self.bucket(&draft.bucket)?.live(&draft.name))?;
        self.reserve(draft.content.len() as u64)?;
        self.last_generation = object::next_generation(self.last_generation);
        let now = SystemTime::now();
        let new = Object {
            checksums: Checksums::of(&draft.content),
            bucket: draft.bucket,
            name: draft.name,
            generation: self.last_generation,
            metageneration: 1,
            content: draft.content,
            properties: draft.properties,
            created: now,
            updated: now,
            deleted: None,
        };
        let old = self.retire(&new.bucket, &new.name)?;
        let overwrote = old.as_ref().map(|(old, _)| old.generation);
        self.tell(&new, Change::Finalized { overwrote });
        if let Some((old, kept)) = old {
            self.tell(&old, Change::gone(kept, Some(new.generation)));
        }
        let bucket = self.bucket_mut(&new.bucket)?;
        bucket.objects.entry(new.name.clone()).or_default().push(new.clone());
        Ok(new)
    }

    /// The live object leaves its place: it is gone, or kept as one of the old ones.
    fn retire(&mut self, bucket: &str, name: &str) -> Result<Option<(Object, bool)>> {
        let found = self.bucket_mut(bucket)?;
        let keeps = found.keeps_versions();
        let Some(all) = found.objects.get_mut(name) else { return Ok(None) };
        let Some(last) = all.last_mut().filter(|object| object.deleted.is_none()) else { return Ok(None) };
        if keeps {
            last.deleted = Some(SystemTime::now());
            return Ok(Some((last.clone(), true)));
        }
        let gone = last.clone();
        all.pop();
        if all.is_empty() {
            found.objects.remove(name);
        }
        self.release(gone.size());
        Ok(Some((gone, false)))
    }

    /// Deletes the live object, or the generation that is named, for good.
    pub(crate) fn delete(
        &mut self,
        bucket: &str,
        name: &str,
        generation: Option<u64>,
        conditions: &Conditions,
    ) -> Result<()> {
        let object = self.object(bucket, name, generation)?.clone();
        conditions.for_write(Some(&object))?;
        let Some(generation) = generation else {
            if let Some((old, kept)) = self.retire(bucket, name)? {
                self.tell(&old, Change::gone(kept, None));
            }
            return Ok(());
        };
        let found = self.bucket_mut(bucket)?;
        if let Some(all) = found.objects.get_mut(name) {
            all.retain(|object| object.generation != generation);
            if all.is_empty() {
                found.objects.remove(name);
            }
        }
        self.release(object.size());
        self.tell(&object, Change::gone(false, None));
        Ok(())
    }

    /// Changes what is said of an object.
    pub(crate) fn patch(
        &mut self,
        (bucket, name, generation): (&str, &str, Option<u64>),
        patch: &Map<String, Value>,
        conditions: &Conditions,
    ) -> Result<Object> {
        let object = self.object(bucket, name, generation)?;
        conditions.for_write(Some(object))?;
        let mut changed = object.clone();
        changed.properties.merge(patch)?;
        changed.metageneration += 1;
        changed.updated = SystemTime::now();
        let all = self.bucket_mut(bucket)?.objects.get_mut(name).into_iter().flatten();
        for object in all.into_iter().filter(|object| object.generation == changed.generation) {
            *object = changed.clone();
        }
        self.tell(&changed, Change::MetadataUpdated);
        Ok(changed)
    }

    fn tell(&mut self, object: &Object, change: Change) {
        let Some(bucket) = self.buckets.get(&object.bucket) else { return };
        let listeners = bucket.listeners.iter();
        let messages =
            listeners.filter_map(|(id, listener)| listener.message(*id, object, change, &self.url));
        self.outbox.extend(messages);
    }
}
