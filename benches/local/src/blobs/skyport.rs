//! The bucket that users hold.

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_measure::Outcome;

use super::Objects;

/// Skyport's.
#[derive(Debug)]
pub struct Skyport(pub Bucket);

impl Objects for Skyport {
    async fn put(&self, key: String, body: Bytes) -> Outcome {
        self.0.put(&key, body).await?;
        Ok(())
    }

    async fn get(&self, key: String) -> Outcome<usize> {
        Ok(self.0.get(&key).bytes().await?.len())
    }
}
