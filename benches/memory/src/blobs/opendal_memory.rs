//! OpenDAL's memory service.

use bytes::Bytes;
use futures_util::TryStreamExt;
use opendal::Operator;
use opendal::services::Memory;
use skyport_measure::Outcome;

use super::Blobs;

/// OpenDAL, through its operator.
#[derive(Clone, Debug)]
pub struct OpenDal(pub Operator);

impl OpenDal {
    /// An empty one.
    ///
    /// # Errors
    /// What OpenDAL says.
    pub fn new() -> Outcome<Self> {
        Ok(Self(Operator::new(Memory::default())?))
    }
}

impl Blobs for OpenDal {
    type Key = String;

    fn key(text: String) -> Outcome<String> {
        Ok(text)
    }

    async fn put(&self, key: &String, body: Bytes) -> Outcome {
        self.0.write(key, body).await?;
        Ok(())
    }

    async fn get(&self, key: &String) -> Outcome<Bytes> {
        Ok(self.0.read(key).await?.to_bytes())
    }

    async fn head(&self, key: &String) -> Outcome<usize> {
        Ok(usize::try_from(self.0.stat(key).await?.content_length())?)
    }

    async fn list(&self) -> Outcome<usize> {
        let mut lister = self.0.lister_with("").recursive(true).await?;
        let mut count = 0;
        while let Some(entry) = lister.try_next().await? {
            count += usize::from(entry.metadata().is_file());
        }
        Ok(count)
    }

    async fn directories(&self) -> Outcome<usize> {
        Ok(self.0.list("").await?.len())
    }

    async fn delete(&self, key: &String) -> Outcome {
        Ok(self.0.delete(key).await?)
    }
}
