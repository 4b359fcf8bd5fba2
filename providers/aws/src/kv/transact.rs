//! Writes of one partition, all or nothing.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, ConditionCheck, Delete, TransactWriteItem, Update};
use skyport_core::kv::port::{Change, ItemCondition, RawVersion, Write};
use skyport_core::{Error, Result};

use super::DynamoTable;
use super::expression::{Values, refused};
use super::item::{key_attributes, new_version};
use crate::error;

impl DynamoTable {
    pub(super) async fn write_together(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let Some(first) = writes.first() else { return Ok(Vec::new()) };
        let conditions: Vec<ItemCondition> = writes.iter().map(|write| write.condition.clone()).collect();
        // DynamoDB knows a repetition by this, and applies it once; but only where it is the same to the letter, which
        // what asks for the time is not. That is held by its conditions.
        let plain = conditions.iter().all(|condition| *condition == ItemCondition::None);
        let repetition = plain.then(|| first.token.to_string());
        let now = self.now();
        let (mut items, mut versions) = (Vec::with_capacity(writes.len()), Vec::with_capacity(writes.len()));
        for write in writes {
            let version = match (&write.change, plain) {
                (Change::Put { .. }, true) => Some(RawVersion::new(format!("{}{:08x}", write.token, 0))),
                (Change::Put { .. }, false) => Some(new_version(write.token)),
                _ => None,
            };
            items.push(self.action(write, version.as_ref(), now)?);
            versions.push(version);
        }
        let request = self.client().await.transact_write_items();
        let request = request.set_transact_items(Some(items)).set_client_request_token(repetition);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(versions),
            Err(error) => Err(match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(told)) => {
                    cancelled(told.cancellation_reasons(), &conditions).unwrap_or_else(|| error::of(error))
                }
                _ => error::of(error),
            }),
        }
    }

    /// One write as DynamoDB takes it.
    fn action(&self, write: Write, version: Option<&RawVersion>, now: u64) -> Result<TransactWriteItem> {
        let mut values = Values::default();
        let condition = values.condition(&write.condition, now);
        let key = Some(key_attributes(&write.key));
        let action = TransactWriteItem::builder();
        let action = match write.change {
            Change::Put { value, expires } => {
                let version =
                    version.ok_or_else(|| Error::internal("a put of a transaction has no version"))?;
                let update = values.put(value, version, expires);
                let update = Update::builder()
                    .table_name(self.name())
                    .set_key(key)
                    .update_expression(update)
                    .set_condition_expression(condition.map(str::to_owned))
                    .set_expression_attribute_values(values.into_option());
                action.update(update.build().map_err(error::unmade)?)
            }
            Change::Delete => {
                let delete = Delete::builder()
                    .table_name(self.name())
                    .set_key(key)
                    .set_condition_expression(condition.map(str::to_owned))
                    .set_expression_attribute_values(values.into_option());
                action.delete(delete.build().map_err(error::unmade)?)
            }
            Change::Check => {
                let condition = condition.ok_or_else(|| Error::invalid("a check needs a condition"))?;
                let check = ConditionCheck::builder()
                    .table_name(self.name())
                    .set_key(key)
                    .condition_expression(condition)
                    .set_expression_attribute_values(values.into_option());
                action.condition_check(check.build().map_err(error::unmade)?)
            }
        };
        Ok(action.build())
    }
}

/// Why DynamoDB cancelled: the first reason that a repetition will not mend, or else the first. `None` where it gives none.
fn cancelled(reasons: &[CancellationReason], conditions: &[ItemCondition]) -> Option<Error> {
    let mut first = None;
    for (place, (reason, condition)) in reasons.iter().zip(conditions).enumerate() {
        let error = match reason.code() {
            None | Some("None") => continue,
            Some("ConditionalCheckFailed") => refused(condition),
            // Its message is a line of AWS's own; the item, which it may have, is left out.
            Some(code) => error::answered(Some(code), reason.message(), 400),
        };
        let error = error.with_item(place);
        if !error.is_retryable() {
            return Some(error);
        }
        first.get_or_insert(error);
    }
    first
}
