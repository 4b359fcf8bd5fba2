//! The objects of a bucket, and every change to them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use skyport_core::blob::port::{
    BlobLimits, Condition, CopyOptions, Etag, GetOptions, GetResult, ListOptions, ListPage, ObjectMeta,
    Properties, Subscriber, Written,
};
use skyport_core::event::BlobChange;
use skyport_core::inline_text::InlineText;
use skyport_core::{Clock, Error, Result, Sparse, Token};

use super::content::Content;
use super::events::{Change, Subscription, Subscriptions};
use super::listing;
use crate::error::Refusal;
use crate::faults::Held;
use crate::queue::QueueCell;
use crate::sync::{read, write};

/// A key as the map keeps it: a short one lies in the map itself, so that a search need not follow it elsewhere.
pub(super) type Key = InlineText<40>;

/// The objects of a bucket, in UTF-8 byte order of their keys.
pub(super) type Objects = BTreeMap<Key, Object>;

/// A bucket, whether it exists or not.
pub(crate) struct BucketCell {
    name: String,
    clock: Clock,
    /// Etags are numbers that are never given twice, not after the bucket is removed and made again either.
    etags: AtomicU64,
    numbers: Arc<AtomicU64>,
    state: RwLock<Option<State>>,
}

#[derive(Default)]
struct State {
    objects: Objects,
    subscriptions: Subscriptions,
}

/// An object; never changed, only replaced. Small, for it lies in the map itself.
pub(super) struct Object {
    content: Content,
    pub(super) etag: Etag,
    pub(super) modified: SystemTime,
    properties: Sparse<Properties>,
    token: Token,
}

/// What a write brings.
pub(super) struct NewObject {
    pub(super) content: Content,
    pub(super) properties: Sparse<Properties>,
    pub(super) token: Token,
}

impl Object {
    pub(super) fn size(&self) -> u64 {
        self.content.len()
    }

    pub(super) fn meta(&self) -> ObjectMeta {
        let mut meta = ObjectMeta::new(self.size(), self.etag.clone(), self.modified);
        meta.properties = self.properties.clone();
        meta.token = Some(self.token);
        meta
    }

    pub(super) fn read(&self, options: &GetOptions) -> Result<GetResult> {
        let meta = self.meta();
        if options.if_match.as_ref().is_some_and(|etag| *etag != meta.etag) {
            return Err(Refusal::Changed.into());
        }
        if options.if_none_match.as_ref() == Some(&meta.etag) {
            return Ok(GetResult::NotModified);
        }
        let (start, end) = options.range.resolve(meta.size)?;
        Ok(GetResult::Found { meta, range: (start, end), body: self.content.slice(start, end) })
    }
}

impl BucketCell {
    pub(crate) fn new(name: &str, clock: Clock, numbers: Arc<AtomicU64>) -> Self {
        Self { name: name.to_owned(), clock, etags: AtomicU64::new(1), numbers, state: RwLock::new(None) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn create(&self) {
        write(&self.state).get_or_insert_default();
    }

    pub(crate) fn remove(&self) {
        // Dropped after the lock is free: a bucket may hold much.
        let removed = write(&self.state).take();
        if let Some(state) = removed {
            state.subscriptions.remove_all();
        }
    }

    /// Whoever holds this event has crashed.
    pub(crate) fn abandon(&self, held: &Held) {
        let subscriptions = read(&self.state).as_ref().and_then(|state| state.subscriptions.if_any());
        if let Some(subscriptions) = subscriptions {
            subscriptions.abandon(held);
        }
    }

    pub(super) fn must_exist(&self) -> Result<()> {
        read(&self.state).as_ref().map(|_| ()).ok_or_else(|| Refusal::NoBucket.into())
    }

    /// Looks at an object under the lock.
    pub(super) fn with<T>(&self, key: &str, look: impl FnOnce(&Object) -> Result<T>) -> Result<T> {
        let state = read(&self.state);
        let objects = &state.as_ref().ok_or(Refusal::NoBucket)?.objects;
        // A missing object names its key; a missing bucket names none.
        let missing = || Error::from(Refusal::NoObject).with_key(key);
        look(find(objects, key).ok_or_else(missing)?)
    }

    /// Puts an object in its place if the condition holds, and tells the subscribers.
    pub(super) fn put(&self, key: &str, new: NewObject, condition: &Condition) -> Result<Written> {
        let object = self.make(new);
        let (etag, size, modified) = (object.etag.clone(), object.size(), object.modified);
        let mut guard = write(&self.state);
        let state = guard.as_mut().ok_or(Refusal::NoBucket)?;
        let replaced = match state.objects.entry(Key::new(key)) {
            Entry::Vacant(place) => {
                if matches!(condition, Condition::IfMatch(_)) {
                    return Err(Refusal::Changed.into());
                }
                place.insert(object);
                None
            }
            Entry::Occupied(mut place) => {
                holds(condition, place.get())?;
                Some(place.insert(object))
            }
        };
        let listeners = state.subscriptions.if_any();
        drop(guard);
        // The old content is freed without the lock.
        drop(replaced);
        if let Some(listeners) = listeners {
            let change = Change::new(BlobChange::Created, &self.name, key, modified);
            listeners.tell(change.of_object(size, &etag));
        }
        Ok(Written::new(etag))
    }

    fn make(&self, new: NewObject) -> Object {
        Object {
            content: new.content,
            etag: Etag::of_number(self.etags.fetch_add(1, Ordering::Relaxed)),
            modified: self.clock.now(),
            properties: new.properties,
            token: new.token,
        }
    }

    /// What a copy of this object brings.
    pub(super) fn copied(&self, from: &str, options: &CopyOptions, limits: &BlobLimits) -> Result<NewObject> {
        self.with(from, |source| {
            let wanted = options.source_if_match.as_ref();
            if wanted.is_some_and(|etag| *etag != source.etag) {
                return Err(Refusal::Changed.into());
            }
            limits.check_copy(source.size())?;
            Ok(NewObject {
                content: source.content.clone(),
                properties: source.properties.clone(),
                token: options.token,
            })
        })
    }

    pub(super) fn delete(&self, key: &str, if_match: Option<&Etag>) -> Result<()> {
        let mut guard = write(&self.state);
        let state = guard.as_mut().ok_or(Refusal::NoBucket)?;
        if let Some(etag) = if_match {
            let there = find(&state.objects, key);
            if there.is_none_or(|object| object.etag != *etag) {
                return Err(Refusal::Changed.into());
            }
        }
        let removed = match Key::short(key) {
            Some(key) => state.objects.remove(&key),
            None => state.objects.remove(key.as_bytes()),
        };
        let listeners = removed.as_ref().and_then(|_| state.subscriptions.if_any());
        drop(guard);
        drop(removed);
        if let Some(listeners) = listeners {
            listeners.tell(Change::new(BlobChange::Deleted, &self.name, key, self.clock.now()));
        }
        Ok(())
    }

    pub(super) fn list(&self, options: &ListOptions) -> Result<ListPage> {
        let state = read(&self.state);
        let objects = &state.as_ref().ok_or(Refusal::NoBucket)?.objects;
        listing::list(objects, &self.name, options)
    }

    pub(super) fn subscribe(&self, subscriber: &Subscriber) -> Result<Arc<QueueCell>> {
        let mut guard = write(&self.state);
        let state = guard.as_mut().ok_or(Refusal::NoBucket)?;
        let make = || {
            let name = format!("{} events for {}", self.name, subscriber.name);
            QueueCell::new(&name, self.clock, Arc::clone(&self.numbers))
        };
        state.subscriptions.add(Subscription::of(subscriber), make)
    }
}

impl fmt::Debug for BucketCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BucketCell").field(&self.name).finish()
    }
}

/// The object of this key: a short one is compared in its own form, which is faster than as bytes.
fn find<'o>(objects: &'o Objects, key: &str) -> Option<&'o Object> {
    match Key::short(key) {
        Some(key) => objects.get(&key),
        None => objects.get(key.as_bytes()),
    }
}

/// Whether a write may replace this object.
fn holds(condition: &Condition, object: &Object) -> Result<()> {
    match condition {
        Condition::None => Ok(()),
        Condition::IfAbsent => Err(Refusal::Exists.into()),
        Condition::IfMatch(etag) if *etag == object.etag => Ok(()),
        Condition::IfMatch(_) => Err(Refusal::Changed.into()),
    }
}
