//! The table of items.

use skyport_measure::Outcome;

use super::{ITEMS, Items, TOGETHER, VALUE, key, partition};
use crate::hand::rows::Rows;

/// SQLite by hand.
#[derive(Debug)]
pub struct ByHand(pub Rows);

impl Items for ByHand {
    async fn put(&self, item: usize) -> Outcome {
        if self.0.put(key(item), VALUE).await? > 0 { Ok(()) } else { Err("it has no version".into()) }
    }

    async fn get(&self, item: usize) -> Outcome<usize> {
        Ok(self.0.get(key(item)).await?.ok_or("there is no such item")?.0.len())
    }

    async fn swap(&self, item: usize) -> Outcome {
        let (_, version) = self.0.get(key(item)).await?.ok_or("there is no such item")?;
        self.0.swap(key(item), VALUE, version).await?.ok_or("somebody else wrote it")?;
        Ok(())
    }

    async fn transact(&self, item: usize) -> Outcome {
        let keys: Vec<_> = (item..item + TOGETHER).map(key).collect();
        let there = self.0.get_many(keys.clone()).await?;
        let mut writes = Vec::with_capacity(TOGETHER);
        for (key, there) in keys.into_iter().zip(there) {
            writes.push((key, there.ok_or("there is no such item")?.1));
        }
        let versions = self.0.transact(writes, VALUE).await?.ok_or("somebody else wrote one")?;
        if versions.len() == TOGETHER { Ok(()) } else { Err("not all were written".into()) }
    }

    async fn page(&self, number: usize) -> Outcome<usize> {
        Ok(self.0.page(partition(number), String::new(), i64::try_from(ITEMS)?).await?.len())
    }
}
