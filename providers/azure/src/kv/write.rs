//! One write.

use skyport_core::kv::port::{Change, ItemCondition, Key, RawVersion, Write};
use skyport_core::kv::stored::holds;
use skyport_core::{Error, Result};

use super::AzureTable;
use super::entity::STATE;
use super::transact::refusal;
use crate::provision::NAME;

impl AzureTable {
    pub(super) async fn write_one(&self, write: Write) -> Result<Option<RawVersion>> {
        if write.change == Change::Check {
            return self.check_one(&write.key, &write.condition).await;
        }
        let versions = self.apply(vec![write]).await.map_err(|refused| refused.error)?;
        Ok(versions.into_iter().next().flatten())
    }

    /// A check alone is a read: there is nothing that would have to happen at the same moment.
    async fn check_one(&self, key: &Key, condition: &ItemCondition) -> Result<Option<RawVersion>> {
        let there = self.stored(key, Some(STATE)).await?;
        let version = there.and_then(|stored| stored.live(self.now()));
        if holds(condition, version.as_ref()) {
            return Ok(None);
        }
        Err(Error::from(refusal(condition)).with_provider(NAME))
    }
}
