//! One write. A put is an UpdateItem, which leaves the slots of a counter in place.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use skyport_core::kv::port::{Change, ItemCondition, Key, RawVersion, Write};
use skyport_core::kv::stored::holds;
use skyport_core::{Error, Result};

use super::DynamoTable;
use super::expression::{Values, refused};
use super::item::{key_attributes, new_version};
use crate::error;

impl DynamoTable {
    pub(super) async fn write_one(&self, write: Write) -> Result<Option<RawVersion>> {
        let Write { key, change, condition, token, .. } = write;
        let mut values = Values::default();
        let expression = values.condition(&condition, self.now());
        match change {
            Change::Check => self.check(&key, &condition).await.map(|()| None),
            Change::Delete => {
                let request = self.client().await.delete_item().table_name(self.name());
                let request = request
                    .set_key(Some(key_attributes(&key)))
                    .set_condition_expression(expression.map(str::to_owned))
                    .set_expression_attribute_values(values.into_option());
                let answer = request.send().await;
                answer.map(|_| None).map_err(|error| told(error, &condition))
            }
            Change::Put { value, expires } => {
                let version = new_version(token);
                let update = values.put(value, &version, expires);
                let request = self.client().await.update_item().table_name(self.name());
                let request = request
                    .set_key(Some(key_attributes(&key)))
                    .update_expression(update)
                    .set_condition_expression(expression.map(str::to_owned))
                    .set_expression_attribute_values(values.into_option());
                let answer = request.send().await;
                answer.map(|_| Some(version)).map_err(|error| told(error, &condition))
            }
        }
    }

    /// DynamoDB checks alone only within a transaction, at twice the price of this read.
    async fn check(&self, key: &Key, condition: &ItemCondition) -> Result<()> {
        let there = self.read(key).await?;
        let version = there.as_ref().map(|item| &item.version);
        if holds(condition, version) { Ok(()) } else { Err(refused(condition)) }
    }
}

/// What a write is told that failed.
fn told<E>(error: SdkError<E, HttpResponse>, condition: &ItemCondition) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.code() {
        Some("ConditionalCheckFailedException") => refused(condition),
        _ => error::of(error),
    }
}
