//! Cases of the kv port.

mod batches;
mod conditions;
mod counters;
mod dropped;
mod expiry;
mod history;
mod idempotency;
mod keys;
mod leases;
mod limits;
mod lost_answers;
mod query;
mod transact;
mod update;
mod versions;

use std::fmt::Debug;
use std::time::Duration;

use skyport_core::kv::Table;
use skyport_core::provider::TableSettings;
use skyport_core::{Error, ErrorKind, Result};

use crate::{Case, Context};

pub(crate) fn cases() -> Vec<Case> {
    [
        batches::cases(),
        conditions::cases(),
        counters::cases(),
        dropped::cases(),
        expiry::cases(),
        history::cases(),
        idempotency::cases(),
        keys::cases(),
        leases::cases(),
        limits::cases(),
        lost_answers::cases(),
        query::cases(),
        transact::cases(),
        update::cases(),
        versions::cases(),
    ]
    .concat()
}

const SECOND: Duration = Duration::from_secs(1);

type Texts = Table<String>;

async fn texts(cx: &Context) -> Result<Texts> {
    Ok(Table::new(cx.table().await?))
}

/// A new table that is declared to be read backwards, too.
async fn texts_to_be_read_backwards(cx: &Context) -> Result<Texts> {
    let mut settings = TableSettings::default();
    settings.reverse_index = true;
    cx.table_with(settings).await.map(Table::new)
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// The value under a key, where there is one.
async fn value(table: &Texts, key: impl skyport_core::kv::IntoKey) -> Result<Option<String>> {
    Ok(table.get(key).await?.map(|entry| entry.into_value()))
}

/// The error of what had to fail, of this kind.
#[track_caller]
fn refused<R: Debug>(result: Result<R>, kind: ErrorKind) -> Error {
    match result {
        Ok(result) => panic!("this had to be refused as {kind}, and gave {result:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            error
        }
    }
}
