//! The full names of what calls to Pub/Sub are about, and what an answer may have.

use skyport_core::Result;

use crate::config::Connection;

/// The largest answer that is read: ten messages of the largest size, and what stands around them.
pub(super) const MOST_ANSWERED: usize = 10 * (10 << 20) + (1 << 20);

/// What Pub/Sub calls the topic `name` of this project.
pub(crate) async fn topic(connection: &Connection, name: &str) -> Result<String> {
    Ok(format!("projects/{}/topics/{name}", connection.project().await?))
}

/// What Pub/Sub calls the subscription `name` of this project.
pub(crate) async fn subscription(connection: &Connection, name: &str) -> Result<String> {
    Ok(format!("projects/{}/subscriptions/{name}", connection.project().await?))
}
