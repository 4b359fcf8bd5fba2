//! What the application promises, whatever breaks.

use skyport::BoxError;
use skyport::prelude::*;

use super::Seen;
use super::album::{Picture, album};
use super::snapshot::{Original, Snapshot};
use crate::app::{Photo, Photos, State};

/// The reason of a message that was delivered as often as it may be.
const SPENT: &str = "attempts";

/// Every answer can be explained: what was read was whole, and not what was deleted; nothing that was accepted was missing.
pub(super) async fn answers_are_true(_: &Photos, seen: &Seen) -> Result<(), BoxError> {
    Ok(seen.ledger.explained()?)
}

/// What was accepted and not deleted is there, and what was deleted is gone.
pub(super) async fn nothing_is_lost(photos: &Photos, seen: &Seen) -> Result<(), BoxError> {
    let at_last = Snapshot::of(photos).await?;
    for (moment, snapshot) in [(seen.at_rest, &seen.snapshot), (seen.ledger.now(), &at_last)] {
        if let Some(name) = snapshot.originals.keys().find(|name| !seen.ledger.names().contains(*name)) {
            return Err(format!("{name}: nobody has uploaded this").into());
        }
        for name in seen.ledger.names() {
            let found = snapshot.originals.get(&name).map(|original| picture(&name, original)).transpose()?;
            let span = super::ledger::Span { begin: moment, end: moment };
            seen.ledger.may_stand(&name, span, found)?;
        }
    }
    Ok(())
}

/// Each photo has its thumbnail, or a dead letter with the reason: without a sweep, which would mend what is missing.
pub(super) async fn each_has_its_thumbnail_or_a_letter(_: &Photos, seen: &Seen) -> Result<(), BoxError> {
    for (name, original) in &seen.snapshot.originals {
        let finished = finished(name, original, &seen.snapshot);
        if let Err(what) = finished
            && seen.snapshot.letter(name, &original.etag).is_none()
        {
            return Err(format!("{what}, and no dead letter tells why").into());
        }
    }
    Ok(())
}

/// After a sweep all is as it should be: each photo is ready, or failed with a dead letter; there are no orphans.
pub(super) async fn a_sweep_mends_all(photos: &Photos, _: &Seen) -> Result<(), BoxError> {
    let swept = Snapshot::of(photos).await?;
    for (name, original) in &swept.originals {
        finished(name, original, &swept)?;
    }
    if let Some(name) = swept.catalogue.keys().find(|name| !swept.originals.contains_key(*name)) {
        return Err(format!("{name}: stands in the catalogue, and there is no such photo").into());
    }
    for name in swept.thumbnails.keys() {
        let ready = swept.catalogue.get(name).is_some_and(|photo| photo.state == State::Ready);
        if !ready {
            return Err(format!("{name}: there is a thumbnail, and no photo that is ready").into());
        }
    }
    Ok(())
}

/// Dead letters are of pictures that cannot be decoded, or of what was tried as often as it may be.
pub(super) async fn letters_have_their_reasons(photos: &Photos, seen: &Seen) -> Result<(), BoxError> {
    let swept = Snapshot::of(photos).await?;
    for letter in &swept.letters {
        let original = swept.originals.get(&letter.name);
        let current = original.filter(|original| letter.etag.as_ref() == Some(&original.etag));
        let broken = match current {
            Some(original) => picture(&letter.name, original)?.made.is_none(),
            None => seen.ledger.of(&letter.name).iter().any(|picture| picture.made.is_none()),
        };
        if letter.reason != SPENT && !(letter.is_job && broken) {
            return Err(format!("no dead letter should say this: {letter:?}").into());
        }
    }
    Ok(())
}

/// The picture that was uploaded as this.
fn picture(name: &str, original: &Original) -> Result<&'static Picture, BoxError> {
    let found = album().iter().find(|picture| picture.bytes == original.bytes);
    found.ok_or_else(|| format!("{name}: what is stored is no whole photo").into())
}

/// Whether a photo is ready with its own thumbnail, or known to have failed for good.
fn finished(name: &str, original: &Original, all: &Snapshot) -> Result<(), BoxError> {
    let picture = picture(name, original)?;
    let (etag, bytes) = (original.etag.clone(), original.bytes.len() as u64);
    let size = picture.made.as_ref().map(|made| (made.width, made.height));
    let expected = Photo {
        name: name.to_owned(),
        bytes,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        etag,
        state: if size.is_some() { State::Ready } else { State::Failed },
    };
    match all.catalogue.get(name) {
        None => return Err(format!("{name}: does not stand in the catalogue").into()),
        Some(photo) if *photo != expected => {
            return Err(format!("{name}: the catalogue has {photo:?} and not {expected:?}").into());
        }
        Some(_) => {}
    }
    match all.thumbnails.get(name) {
        Some(thumbnail) if picture.has_thumbnail(thumbnail) => Ok(()),
        Some(_) => Err(format!("{name}: its thumbnail is of another picture").into()),
        None if size.is_some() => Err(format!("{name}: has no thumbnail").into()),
        None if all.letter(name, &original.etag).is_none() => {
            Err(format!("{name}: has failed, and no dead letter tells why").into())
        }
        None => Ok(()),
    }
}
