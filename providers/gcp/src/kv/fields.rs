//! What Firestore is to do with the fields of a table's items: delete by the expiry, and keep no index of what nobody asks for. Every
//! index would be written with each item, and be a limit to how fast one partition is written.

use skyport_core::retry::patiently;
use skyport_core::{Error, ErrorKind, Result};

use super::database::Database;
use super::item::{EXPIRES, SLOTS, VALUE, WRITE};
use crate::error::{of_part, of_status};
use crate::proto::admin as wire;
use crate::proto::admin::{Field, IndexConfig, State, TtlConfig};
use crate::proto::known::FieldMask;
use crate::provision::NAME;

/// The fields that need no index.
const UNINDEXED: [&str; 4] = [VALUE, WRITE, SLOTS, EXPIRES];

/// Has Firestore delete by the expiry, and keep no needless index. It begins at once, and may take minutes; items can be written and
/// read meanwhile.
pub(crate) async fn prepare(database: &Database) -> Result<()> {
    for name in UNINDEXED {
        if !patiently(database.names().partitions(), is_busy, || prepare_one(database, name)).await? {
            break;
        }
    }
    Ok(())
}

/// Whether there are such settings at all.
async fn prepare_one(database: &Database, name: &str) -> Result<bool> {
    let Some(field) = get(database, name).await? else { return Ok(false) };
    // Another one may have been faster.
    if !is_prepared(name, &field) {
        let ttl = (name == EXPIRES).then(TtlConfig::default);
        update(database, name, Some(IndexConfig::default()), ttl).await?;
    }
    Ok(true)
}

fn is_prepared(name: &str, field: &Field) -> bool {
    // One that is being given back would be gone a moment later.
    let unindexed =
        |config: &IndexConfig| !config.uses_ancestor_config && !config.reverting && config.indexes.is_empty();
    field.index_config.as_ref().is_some_and(unindexed) && (name != EXPIRES || expires(field))
}

/// Whether the time to live is on, or on its way.
fn expires(field: &Field) -> bool {
    field.ttl_config.is_some_and(|ttl| matches!(ttl.state(), State::Active | State::Creating))
}

/// Gives back what [`prepare`] has set: a database has room for some hundreds of such settings.
pub(crate) async fn reset(database: &Database) -> Result<()> {
    for name in UNINDEXED {
        if !patiently(database.names().partitions(), is_busy, || reset_one(database, name)).await? {
            break;
        }
    }
    Ok(())
}

/// Whether there are such settings at all.
async fn reset_one(database: &Database, name: &str) -> Result<bool> {
    let Some(field) = get(database, name).await? else { return Ok(false) };
    let own = field.index_config.is_some_and(|config| !config.uses_ancestor_config && !config.reverting);
    if own || field.ttl_config.is_some() {
        update(database, name, None, None).await?;
    }
    Ok(true)
}

/// Whether Firestore deletes what has expired.
pub(super) async fn deletes_expired(database: &Database) -> Result<bool> {
    Ok(get(database, EXPIRES).await?.is_some_and(|field| expires(&field)))
}

/// The field as it is set; `None` at an emulator, which has no such settings.
async fn get(database: &Database, field: &str) -> Result<Option<Field>> {
    let request = wire::GetFieldRequest { name: database.names().field(field) };
    let call = database.call().await.map_err(of_status)?;
    match call.unary(wire::GET_FIELD, request).await.map_err(of_status) {
        Ok(answer) => Ok(Some(answer)),
        // Nothing was set yet. Where it is the database that is missing, whoever sets something is told.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Field::default())),
        Err(error) if error.kind() == ErrorKind::Unsupported && database.connection().is_emulated() => {
            tracing::debug!(%error, "this emulator of Firestore has no settings of fields");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Sets both, or gives back what is `None`. What Firestore then does is not waited for.
async fn update(
    database: &Database,
    field: &str,
    index_config: Option<IndexConfig>,
    ttl_config: Option<TtlConfig>,
) -> Result<()> {
    let mut paths = vec!["index_config".to_owned()];
    if field == EXPIRES {
        paths.push("ttl_config".to_owned());
    }
    let request = wire::UpdateFieldRequest {
        field: Some(Field { name: database.names().field(field), index_config, ttl_config }),
        update_mask: Some(FieldMask { paths }),
    };
    let answer = database.call().await.map_err(of_status)?.unary(wire::UPDATE_FIELD, request).await;
    let answer: wire::Operation = answer.map_err(|status| busy(of_status(status)))?;
    answer.error.map_or(Ok(()), |status| Err(busy(of_part(status))))
}

/// Firestore may change nothing of a field while it is still at an earlier change, or at another's.
fn is_busy(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.is_retryable()
}

fn busy(error: Error) -> Error {
    if error.kind() != ErrorKind::PreconditionFailed {
        return error;
    }
    let text = "Firestore does not change a field's settings now; it may still be at an earlier one, which takes minutes: try again then";
    Error::new(ErrorKind::Conflict, text).with_source(error).with_provider(NAME)
}
