//! One process of several fires an instant of a schedule.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::sleep;

use crate::clock::to_millis;
use crate::kv::port::{Change, ItemCondition, Key, KeyValueStore, Write};
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Token};

/// How long a claim is kept: longer than any two clocks differ, or an instant may come late.
const KEPT: Duration = Duration::from_secs(86_400);

/// Whether this process is the one to fire the `instant` of a function: the first to write the claim is.
///
/// Where the table cannot be asked the answer is yes: an event that comes twice is in the contract, one that never comes
/// is not.
pub(super) async fn claim(
    table: &dyn KeyValueStore,
    application: &str,
    function: &str,
    instant: SystemTime,
) -> bool {
    // Zeros in front, so that the claims of a function stand in the order of time.
    let key = Key::new(format!("{application}/{function}"), format!("{:014}", to_millis(instant)));
    let token = Token::new();
    let policy = RetryPolicy::default();
    let mut ambiguous = false;
    for attempt in 1..=policy.attempts {
        let error = match table.write(write(table, &key, token)).await {
            Ok(_) => return true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // An attempt whose answer was lost may have met itself.
                return ambiguous && is_ours(table, &key, token).await;
            }
            Err(error) => error,
        };
        ambiguous |= error.is_ambiguous();
        let again = error.is_retryable() || error.is_ambiguous();
        if !again || attempt == policy.attempts {
            return without_table(function, &error);
        }
        sleep(policy.delay(attempt + 1, &error)).await;
    }
    true
}

fn write(table: &dyn KeyValueStore, key: &Key, token: Token) -> Write {
    let expires = table.info().clock.now() + KEPT;
    let change = Change::Put { value: value(token), expires: Some(expires) };
    let mut write = Write::new(key.clone(), change);
    write.condition = ItemCondition::IfAbsent;
    write.token = token;
    write
}

/// The claimant's token as JSON.
fn value(token: Token) -> Bytes {
    Bytes::from(format!("\"{token}\""))
}

async fn is_ours(table: &dyn KeyValueStore, key: &Key, token: Token) -> bool {
    match table.get(key).await {
        Ok(item) => item.is_some_and(|item| item.value == value(token)),
        Err(error) => without_table(&key.partition, &error),
    }
}

fn without_table(function: &str, error: &Error) -> bool {
    tracing::warn!(function, %error, "the table of claims cannot be asked: the schedule fires, perhaps in several processes");
    true
}
