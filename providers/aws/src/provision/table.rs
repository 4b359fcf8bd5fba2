//! Tables: created on demand, with a time to live; removed until they are gone.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription,
    TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::retry::backoff;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};

use super::NAME;
use crate::config::Connection;
use crate::error;
use crate::kv::DynamoTable;
use crate::kv::item::{EXPIRES_SECONDS, PARTITION, SORT};

/// How long a table may take to be made or to go; DynamoDB needs some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn open(connection: Arc<Connection>, name: &str) -> Result<Arc<dyn KeyValueStore>> {
    Ok(Arc::new(DynamoTable::new(connection, name)))
}

/// Creates the table, or makes sure of the one that is there.
pub(super) async fn create(connection: &Arc<Connection>, name: &str) -> Result<()> {
    let client = connection.dynamodb().await;
    let mut poll = Poll::new();
    loop {
        match describe(client, name).await? {
            None => ask_for(client, name).await?,
            Some(table) => match table.table_status() {
                // It is usable while it is changed.
                Some(TableStatus::Active | TableStatus::Updating) => {
                    check_keys(&table)?;
                    return expire(client, name).await;
                }
                Some(TableStatus::Creating | TableStatus::Deleting) => {}
                other => return Err(unusable(other)),
            },
        }
        poll.pause("made").await?;
    }
}

/// Removes the table and waits until it is gone: until then it would answer.
pub(super) async fn remove(connection: &Arc<Connection>, name: &str) -> Result<()> {
    let client = connection.dynamodb().await;
    let Some(mut table) = describe(client, name).await? else { return Ok(()) };
    let id = table.table_id.take();
    let mut poll = Poll::new();
    loop {
        if table.table_status() != Some(&TableStatus::Deleting) {
            match Box::pin(client.delete_table().table_name(name).send()).await {
                Ok(_) => {}
                Err(error) => match error.as_service_error() {
                    Some(told) if told.is_resource_not_found_exception() => return Ok(()),
                    // It is being made, changed, or deleted already.
                    Some(told) if told.is_resource_in_use_exception() => {}
                    _ => return Err(error::of(error)),
                },
            }
        }
        match describe(client, name).await? {
            // Where it has another id, somebody has made it anew.
            Some(there) if there.table_id == id => table = there,
            _ => return Ok(()),
        }
        poll.pause("gone").await?;
    }
}

async fn describe(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<Option<TableDescription>> {
    match Box::pin(client.describe_table().table_name(name).send()).await {
        Ok(answer) => Ok(answer.table),
        Err(error) => match error.as_service_error() {
            Some(told) if told.is_resource_not_found_exception() => Ok(None),
            _ => Err(error::of(error)),
        },
    }
}

async fn ask_for(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<()> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, role) in [(PARTITION, KeyType::Hash), (SORT, KeyType::Range)] {
        let text = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(error::unmade)?;
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(role).build();
        request = request.attribute_definitions(text).key_schema(key.map_err(error::unmade)?);
    }
    match Box::pin(request.send()).await {
        Ok(_) => Ok(()),
        // Another one was faster, or its predecessor is not gone yet: the next look tells.
        Err(error) if error.as_service_error().is_some_and(|told| told.is_resource_in_use_exception()) => {
            Ok(())
        }
        Err(error) => Err(error::of(error)),
    }
}

/// Refuses a table that was not made by Skyport.
fn check_keys(table: &TableDescription) -> Result<()> {
    let key = |role: &KeyType| {
        let mut of_role = table.key_schema().iter().filter(|key| key.key_type() == role);
        of_role.next().map(KeySchemaElement::attribute_name)
    };
    let texts = table.attribute_definitions().iter().filter(|one| {
        one.attribute_type() == &ScalarAttributeType::S && [PARTITION, SORT].contains(&one.attribute_name())
    });
    if (key(&KeyType::Hash), key(&KeyType::Range)) == (Some(PARTITION), Some(SORT)) && texts.count() == 2 {
        return Ok(());
    }
    let text = format!(
        "the table is there with other keys: name another one, or make it with the partition key `{PARTITION}` and the \
         sort key `{SORT}`, both strings"
    );
    Err(Error::new(ErrorKind::Conflict, text).with_retryable(false).with_provider(NAME))
}

/// Lets DynamoDB delete what has expired.
async fn expire(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<()> {
    if expires(client, name).await? {
        return Ok(());
    }
    let ours = TimeToLiveSpecification::builder().attribute_name(EXPIRES_SECONDS).enabled(true).build();
    let request = client.update_time_to_live().table_name(name);
    let request = request.time_to_live_specification(ours.map_err(error::unmade)?);
    match Box::pin(request.send()).await {
        Ok(_) => Ok(()),
        Err(error) => match error::of(error) {
            // Another one may have been faster.
            error if expires(client, name).await? => {
                tracing::debug!(%error, "the time to live was turned on by another");
                Ok(())
            }
            error => Err(error),
        },
    }
}

/// Whether DynamoDB deletes by Skyport's attribute.
async fn expires(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<bool> {
    let answer = Box::pin(client.describe_time_to_live().table_name(name).send()).await.map_err(error::of)?;
    let told = answer.time_to_live_description();
    let attribute = told.and_then(|told| told.attribute_name());
    match told.and_then(|told| told.time_to_live_status()) {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            if attribute == Some(EXPIRES_SECONDS) =>
        {
            Ok(true)
        }
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling | TimeToLiveStatus::Disabling) => {
            let text = format!(
                "the table's time to live is another one's, or is being turned off: turn it on for the attribute \
                 `{EXPIRES_SECONDS}`, which DynamoDB allows once an hour"
            );
            Err(Error::new(ErrorKind::Conflict, text).with_retryable(false).with_provider(NAME))
        }
        _ => Ok(false),
    }
}

fn unusable(status: Option<&TableStatus>) -> Error {
    let status = status.map_or("unknown", TableStatus::as_str);
    let text = format!("the table cannot be used: its status is {status}; see to it in the console of AWS");
    Error::new(ErrorKind::Conflict, text).with_retryable(false).with_provider(NAME)
}

/// Looks again and again, ever less often: DynamoDB tells nobody when a table is made or gone.
struct Poll {
    stop: Instant,
    looks: u32,
}

impl Poll {
    fn new() -> Self {
        Self { stop: Instant::now() + PATIENCE, looks: 0 }
    }

    async fn pause(&mut self, awaited: &str) -> Result<()> {
        self.looks += 1;
        let pause = backoff(Duration::from_millis(20), Duration::from_secs(1), self.looks);
        if Instant::now() + pause > self.stop {
            let text = format!("the table is not {awaited} after {PATIENCE:?}: call again later");
            return Err(Error::new(ErrorKind::Timeout, text).with_provider(NAME));
        }
        sleep(pause).await;
        Ok(())
    }
}
