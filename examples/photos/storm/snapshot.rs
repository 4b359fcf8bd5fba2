//! All that the application keeps, at one moment in which nothing runs.

use std::collections::BTreeMap;
use std::pin::pin;

use bytes::Bytes;
use futures_util::TryStreamExt;
use skyport::BoxError;
use skyport::blob::port::Subscriber;
use skyport::event::{BlobChange, BlobEvent};
use skyport::prelude::*;
use skyport::queue::Delivery;
use skyport::testing::dead_letters;

use crate::app::{Photo, Photos};
use crate::catalogue::PARTITION;

/// An original.
#[derive(Debug)]
pub(crate) struct Original {
    pub(crate) etag: String,
    pub(crate) bytes: Bytes,
}

/// A dead letter.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) name: String,
    /// Of what content it tells, where it tells.
    pub(crate) etag: Option<String>,
    pub(crate) reason: String,
    /// It is an order for a thumbnail, and not an event of the bucket.
    pub(crate) is_job: bool,
}

/// What is kept, by name.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) originals: BTreeMap<String, Original>,
    pub(crate) thumbnails: BTreeMap<String, Bytes>,
    pub(crate) catalogue: BTreeMap<String, Photo>,
    pub(crate) letters: Vec<Letter>,
}

impl Snapshot {
    pub(crate) async fn of(photos: &Photos) -> Result<Self, BoxError> {
        let mut originals = BTreeMap::new();
        for (name, (etag, bytes)) in objects(&photos.originals).await? {
            originals.insert(name, Original { etag, bytes });
        }
        let thumbnails = objects(&photos.thumbnails).await?;
        let mut catalogue = BTreeMap::new();
        let mut entries = pin!(photos.catalogue.query(PARTITION).stream());
        while let Some(entry) = entries.try_next().await? {
            catalogue.insert(entry.key.sort.to_string(), entry.into_value());
        }
        Ok(Self {
            originals,
            thumbnails: thumbnails.into_iter().map(|(name, (_, bytes))| (name, bytes)).collect(),
            catalogue,
            letters: letters(photos).await?,
        })
    }

    /// Why this photo has no thumbnail, where something tells it.
    pub(crate) fn letter(&self, name: &str, etag: &str) -> Option<&Letter> {
        let tells =
            |letter: &&Letter| letter.name == name && letter.etag.as_deref().is_none_or(|its| its == etag);
        self.letters.iter().find(tells)
    }
}

async fn objects(bucket: &Bucket) -> Result<BTreeMap<String, (String, Bytes)>, BoxError> {
    let mut objects = BTreeMap::new();
    let mut entries = pin!(bucket.list().stream());
    while let Some(entry) = entries.try_next().await? {
        let object = bucket.get(entry.key()).await?;
        let etag = object.etag().to_string();
        objects.insert(entry.key().to_owned(), (etag, object.bytes().await?));
    }
    Ok(objects)
}

/// The dead letters of the queue, and those of the bucket's two subscribers.
async fn letters(photos: &Photos) -> Result<Vec<Letter>, BoxError> {
    let mut letters = Vec::new();
    for letter in dead_letters(&photos.resize).await? {
        let job = letter.value()?;
        letters.push(Letter { name: job.name, etag: Some(job.etag), reason: reason(&letter)?, is_job: true });
    }
    for (function, change) in [("added", BlobChange::Created), ("removed", BlobChange::Deleted)] {
        let mut subscriber = Subscriber::new(format!("photos-{function}"));
        subscriber.created = change == BlobChange::Created;
        subscriber.deleted = change == BlobChange::Deleted;
        let events = photos.originals.port().events(&subscriber).await?;
        for letter in dead_letters(&Queue::<BlobEvent>::new(events)).await? {
            let event = letter.value()?;
            let etag = event.etag.filter(|_| change == BlobChange::Created).map(|etag| etag.to_string());
            letters.push(Letter { name: event.key, etag, reason: reason(&letter)?, is_job: false });
        }
    }
    Ok(letters)
}

fn reason<T>(letter: &Delivery<T>) -> Result<String, BoxError> {
    Ok(letter.reason().ok_or("a dead letter has no reason")?.to_owned())
}
