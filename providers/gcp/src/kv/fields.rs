//! What Firestore is to do with the fields of a table's items: delete by the expiry, and keep no index of what nobody asks for. Every
//! index would be written with each item, and be a limit to how fast one partition is written.

use gcloud_sdk::google::firestore::admin::v1::field::ttl_config::State;
use gcloud_sdk::google::firestore::admin::v1::field::{IndexConfig, TtlConfig};
use gcloud_sdk::google::firestore::admin::v1::firestore_admin_client::FirestoreAdminClient;
use gcloud_sdk::google::firestore::admin::v1::{Field, GetFieldRequest, UpdateFieldRequest};
use gcloud_sdk::google::longrunning::operation::Result as Ended;
use gcloud_sdk::prost_types::FieldMask;
use skyport_core::{ErrorKind, Result};

use super::database::{Database, unconditional};
use super::item::{EXPIRES, SLOTS, VALUE, WRITE};
use crate::error::{of_part, of_status};
use crate::grpc::Authorised;

/// The fields that need no index.
const UNINDEXED: [&str; 4] = [VALUE, WRITE, SLOTS, EXPIRES];

/// Has Firestore delete by the expiry, and keep no needless index. It begins at once, and may take minutes; items can be written and
/// read meanwhile.
pub(crate) async fn prepare(database: &Database) -> Result<()> {
    for name in UNINDEXED {
        let Some(field) = get(database, name).await? else { return Ok(()) };
        if is_prepared(name, &field) {
            continue;
        }
        let ttl = (name == EXPIRES).then(TtlConfig::default);
        if let Err(error) = update(database, name, Some(IndexConfig::default()), ttl).await {
            // Another one may have been faster.
            match get(database, name).await? {
                Some(field) if is_prepared(name, &field) => {
                    tracing::debug!(%error, "the settings of a field were made by another");
                }
                _ => return Err(error),
            }
        }
    }
    Ok(())
}

fn is_prepared(name: &str, field: &Field) -> bool {
    let unindexed = |config: &IndexConfig| !config.uses_ancestor_config && config.indexes.is_empty();
    field.index_config.as_ref().is_some_and(unindexed) && (name != EXPIRES || expires(field))
}

/// Whether the time to live is on, or on its way.
fn expires(field: &Field) -> bool {
    field.ttl_config.is_some_and(|ttl| matches!(ttl.state(), State::Active | State::Creating))
}

/// Gives back what [`prepare`] has set: a database has room for some hundreds of such settings.
pub(crate) async fn reset(database: &Database) -> Result<()> {
    for name in UNINDEXED {
        let Some(field) = get(database, name).await? else { return Ok(()) };
        let own = field.index_config.is_some_and(|config| !config.uses_ancestor_config && !config.reverting);
        if own || field.ttl_config.is_some() {
            update(database, name, None, None).await?;
        }
    }
    Ok(())
}

/// Whether Firestore deletes what has expired.
pub(super) async fn deletes_expired(database: &Database) -> Result<bool> {
    Ok(get(database, EXPIRES).await?.is_some_and(|field| expires(&field)))
}

fn client(database: &Database) -> Result<FirestoreAdminClient<Authorised>> {
    Ok(FirestoreAdminClient::new(Authorised::new(database.connection())?))
}

/// The field as it is set; `None` at an emulator, which has no such settings.
async fn get(database: &Database, field: &str) -> Result<Option<Field>> {
    let request = GetFieldRequest { name: database.names().field(field) };
    match client(database)?.get_field(database.request(request)).await.map_err(of_status) {
        Ok(answer) => Ok(Some(answer.into_inner())),
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
    let request = UpdateFieldRequest {
        field: Some(Field { name: database.names().field(field), index_config, ttl_config }),
        update_mask: Some(FieldMask { paths }),
    };
    let answer = client(database)?.update_field(database.request(request)).await;
    let answer = answer.map_err(|status| unconditional(of_status(status)))?;
    match answer.into_inner().result {
        Some(Ended::Error(status)) => Err(unconditional(of_part(status))),
        _ => Ok(()),
    }
}
