//! The table that users hold.

use skyport_measure::Outcome;

use super::{ITEMS, Items, TOGETHER, VALUE, key, partition};
use crate::ours;

/// Skyport's.
#[derive(Debug)]
pub struct Skyport(pub ours::Items);

impl Items for Skyport {
    async fn put(&self, item: usize) -> Outcome {
        self.0.put(key(item), &VALUE).await?;
        Ok(())
    }

    async fn get(&self, item: usize) -> Outcome<usize> {
        Ok(self.0.get(key(item)).await?.ok_or("there is no such item")?.len())
    }

    async fn swap(&self, item: usize) -> Outcome {
        let there = self.0.get(key(item)).await?.ok_or("there is no such item")?;
        self.0.put(key(item), &VALUE).if_version(there.version()).await?;
        Ok(())
    }

    async fn transact(&self, item: usize) -> Outcome {
        let keys: Vec<_> = (item..item + TOGETHER).map(key).collect();
        let there = self.0.get_many(keys.clone()).await;
        let mut transaction = self.0.transact();
        for (key, there) in keys.into_iter().zip(there) {
            let there = there?.ok_or("there is no such item")?;
            transaction = transaction.put(key, &VALUE).if_version(there.version());
        }
        let versions = transaction.await?;
        if versions.len() == TOGETHER { Ok(()) } else { Err("not all were written".into()) }
    }

    async fn page(&self, number: usize) -> Outcome<usize> {
        let page = self.0.query(partition(number)).page_size(ITEMS).page().await?;
        Ok(page.entries.len())
    }
}
