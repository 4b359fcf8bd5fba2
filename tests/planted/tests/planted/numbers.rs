//! Each photo gets a number, of which its owner is told: work that must not be done twice for one event.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use skyport::app::App;
use skyport::idempotency::Idempotency;
use skyport::prelude::*;
use skyport::{BoxError, Error};

use crate::app::{Photos, app};
use crate::storm::Seen;

/// Partitions of the catalogue's table beside the catalogue.
const COUNTER: &str = "counter";
const GIVEN: &str = "given";
const TOLD: &str = "told";

/// For how long an event may come again.
const REMEMBERED: Duration = Duration::from_secs(14 * 86_400);

/// The content that an event is about: it is the same however often it comes.
fn subject(event: &BlobEvent) -> Result<String> {
    let etag = event.etag.as_ref().ok_or("an event without an etag")?;
    Ok(format!("{}/{etag}", event.key))
}

async fn next(photos: &Photos) -> Result<i64, Error> {
    photos.catalogue.with_type::<i64, skyport::codec::Json>().increment((COUNTER, "photos"), 1).await
}

/// Tells the owner. Twice the same number is no harm; two numbers are.
async fn tell(subject: &str, number: i64, photos: &Photos) -> Result<()> {
    let told = photos.catalogue.with_type::<(String, i64), skyport::codec::Json>();
    told.put((TOLD, format!("{subject}/{number}")), &(subject.to_owned(), number)).await?;
    Ok(())
}

/// The right way.
async fn number_once(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    let subject = subject(&event)?;
    let once = Idempotency::new(&cx.catalogue);
    let number = once.once((GIVEN, subject.as_str()), REMEMBERED, || next(&cx)).await?;
    tell(&subject, number, &cx).await
}

/// The wrong way: an event that comes again gets another number.
async fn number_again(event: BlobEvent, cx: Context<Photos>) -> Result<()> {
    let number = next(&cx).await?;
    tell(&subject(&event)?, number, &cx).await
}

pub(crate) fn right() -> App<Photos> {
    app().on_blob_created("number", Photos::ORIGINALS, number_once)
}

pub(crate) fn wrong() -> App<Photos> {
    app().on_blob_created("number", Photos::ORIGINALS, number_again)
}

/// No photo was told two numbers, and no number two photos.
pub(crate) async fn each_has_one_number(photos: &Photos, _: &Seen) -> Result<(), BoxError> {
    let table = photos.catalogue.with_type::<(String, i64), skyport::codec::Json>();
    let mut told = pin!(table.query(TOLD).stream());
    let (mut of_photo, mut of_number) = (BTreeMap::new(), BTreeMap::new());
    while let Some(entry) = told.try_next().await? {
        let (subject, number) = entry.into_value();
        if let Some(other) = of_photo.insert(subject.clone(), number) {
            return Err(format!("{subject}: was told the numbers {other} and {number}").into());
        }
        if let Some(other) = of_number.insert(number, subject.clone()) {
            return Err(format!("number {number}: was told of {other} and of {subject}").into());
        }
    }
    Ok(())
}
