//! Read, change, write back unless another came between: a bounded loop.

use std::time::Duration;

use super::entry::Entry;
use super::port::{Change, ItemCondition, Key, RawItem, Write};
use super::store::Store;
use super::version::Version;
use super::write::no_version;
use crate::codec::{Decode, Encode};
use crate::retry::backoff;
use crate::{Error, ErrorKind, Result};

/// Rivals are served in some order: sixteen attempts with growing pauses let dozens of them through.
const ATTEMPTS: u32 = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What an update makes of its item; see [`Table::update`](super::Table::update).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update<T> {
    /// Writes this value; an expiry that the item has stays.
    Put(T),
    /// Writes this value, to expire so long from now.
    PutFor(T, Duration),
    /// Deletes the item.
    Delete,
    /// Leaves it as it is.
    Keep,
}

pub(super) async fn update<T, C, F>(store: &Store, key: &Key, mut change: F) -> Result<Option<Version>>
where
    C: Encode<T> + Decode<T>,
    F: FnMut(Option<T>) -> Result<Update<T>>,
{
    store.check_key(key)?;
    for attempt in 1..=ATTEMPTS {
        let current = store.0.get(key).await?;
        let before = current.as_ref().map(|item| item.version.clone());
        let Some(write) = decide::<T, C, F>(store, key, current, &mut change)? else {
            return Ok(before.map(|raw| Version::new(key.clone(), raw)));
        };
        let put = matches!(write.change, Change::Put { .. });
        match store.0.write(write).await {
            Ok(None) if put => return Err(no_version()),
            Ok(version) => return Ok(version.map(|raw| Version::new(key.clone(), raw))),
            Err(error) if lost_the_race(&error) => {}
            Err(error) => return Err(error),
        }
        let pause = backoff(FIRST_PAUSE, LONGEST_PAUSE, attempt).mul_f64(fastrand::f64());
        tokio::time::sleep(pause).await;
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "others changed the item during each of {ATTEMPTS} attempts: spread the writes over several items"
        ),
    ))
}

/// No value of type `T` leaves here, so none lives across an await. `None` where nothing is to be written.
fn decide<T, C, F>(
    store: &Store,
    key: &Key,
    current: Option<RawItem>,
    change: &mut F,
) -> Result<Option<Write>>
where
    C: Encode<T> + Decode<T>,
    F: FnMut(Option<T>) -> Result<Update<T>>,
{
    let kept = current.as_ref().and_then(|item| item.expires);
    let condition = match &current {
        Some(item) => ItemCondition::IfVersion(item.version.clone()),
        None => ItemCondition::IfAbsent,
    };
    let was_there = current.is_some();
    let value = current.map(Entry::decode::<C>).transpose()?.map(Entry::into_value);
    let (value, expires) = match change(value)? {
        Update::Put(value) => (value, kept),
        Update::PutFor(value, after) => (value, store.expiry(Some(after))?),
        Update::Delete if was_there => {
            let mut write = Write::delete(key.clone());
            write.condition = condition;
            return Ok(Some(write));
        }
        Update::Delete | Update::Keep => return Ok(None),
    };
    let value = C::encode(&value)?;
    store.check_value(value.len())?;
    let mut write = Write::new(key.clone(), Change::Put { value, expires });
    write.condition = condition;
    Ok(Some(write))
}

fn lost_the_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict)
}
