//! The floor: a plain map behind a lock and a boxed dyn call, with none of a store's duties.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;

use super::Blobs;
use skyport_measure::Outcome;

/// A plain `RwLock<BTreeMap>`.
#[derive(Clone, Debug)]
pub struct Floor(Arc<dyn Plain>);

impl Default for Floor {
    fn default() -> Self {
        Self(Arc::new(Map::default()))
    }
}

#[async_trait]
trait Plain: Debug + Send + Sync {
    async fn put(&self, key: &str, body: Bytes);
    async fn get(&self, key: &str) -> Option<Bytes>;
    async fn head(&self, key: &str) -> Option<usize>;
    async fn list(&self) -> Vec<(String, usize)>;
    async fn directories(&self) -> Vec<String>;
    async fn delete(&self, key: &str);
}

#[derive(Debug, Default)]
struct Map(RwLock<BTreeMap<String, Bytes>>);

impl Map {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Bytes>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Bytes>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Plain for Map {
    async fn put(&self, key: &str, body: Bytes) {
        self.write().insert(key.to_owned(), body);
    }

    async fn get(&self, key: &str) -> Option<Bytes> {
        self.read().get(key).cloned()
    }

    async fn head(&self, key: &str) -> Option<usize> {
        self.read().get(key).map(Bytes::len)
    }

    async fn list(&self) -> Vec<(String, usize)> {
        self.read().iter().map(|(key, body)| (key.clone(), body.len())).collect()
    }

    async fn directories(&self) -> Vec<String> {
        let map = self.read();
        let mut found = Vec::new();
        let mut rest = map.range::<str, _>(..);
        while let Some((key, _)) = rest.next() {
            let directory = key.split_inclusive('/').next().unwrap_or_default().to_owned();
            // `0` is what comes after `/`.
            let next = format!("{}0", directory.trim_end_matches('/'));
            found.push(directory);
            rest = map.range::<str, _>((Bound::Included(&*next), Bound::Unbounded));
        }
        found
    }

    async fn delete(&self, key: &str) {
        self.write().remove(key);
    }
}

impl Blobs for Floor {
    type Key = String;

    fn key(text: String) -> Outcome<String> {
        Ok(text)
    }

    async fn put(&self, key: &String, body: Bytes) -> Outcome {
        self.0.put(key, body).await;
        Ok(())
    }

    async fn get(&self, key: &String) -> Outcome<usize> {
        Ok(self.0.get(key).await.map_or(0, |body| body.len()))
    }

    async fn head(&self, key: &String) -> Outcome<usize> {
        Ok(self.0.head(key).await.unwrap_or(0))
    }

    async fn list(&self) -> Outcome<usize> {
        Ok(self.0.list().await.len())
    }

    async fn directories(&self) -> Outcome<usize> {
        Ok(self.0.directories().await.len())
    }

    async fn delete(&self, key: &String) -> Outcome {
        self.0.delete(key).await;
        Ok(())
    }
}
