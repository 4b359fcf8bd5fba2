//! `update`: read, change, write back unless another came between.

use futures_util::future::join_all;
use skyport_core::kv::{Table, Update};
use skyport_core::{Error, ErrorKind};

use super::{refused, text, texts, value};
use crate::case::{CaseResult, Context, Outcome, cases};

cases![
    an_update_creates_changes_and_deletes,
    an_update_that_keeps_writes_nothing,
    an_error_of_the_change_is_handed_on,
    updates_under_contention_lose_nothing,
    an_update_gives_up_when_others_are_always_faster,
];

async fn an_update_creates_changes_and_deletes(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    let created = table.update("a", |old| {
        assert_eq!(old, None);
        Ok(Update::Put(text("1")))
    });
    let created = created.await?;
    assert_eq!(table.get("a").await?.map(|entry| entry.version().clone()), created);
    table.update("a", |old| Ok(Update::Put(old.unwrap_or_default() + "2"))).await?;
    assert_eq!(value(&table, "a").await?, Some(text("12")));
    assert_eq!(table.update("a", |_| Ok(Update::Delete)).await?, None);
    assert_eq!(value(&table, "a").await?, None);
    assert_eq!(table.update("a", |_| Ok(Update::Delete)).await?, None);
    Ok(Outcome::Passed)
}

async fn an_update_that_keeps_writes_nothing(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    assert_eq!(table.update("a", |_| Ok(Update::Keep)).await?, None);
    assert_eq!(value(&table, "a").await?, None);
    let version = table.put("a", &text("1")).await?;
    assert_eq!(table.update("a", |_| Ok(Update::Keep)).await?, Some(version));
    Ok(Outcome::Passed)
}

async fn an_error_of_the_change_is_handed_on(cx: Context) -> CaseResult {
    let table = texts(&cx).await?;
    table.put("a", &text("1")).await?;
    let sold_out = |_| Err(Error::new(ErrorKind::PreconditionFailed, "sold out"));
    let error = refused(table.update("a", sold_out).await, ErrorKind::PreconditionFailed);
    assert_eq!(error.message(), "sold out");
    assert_eq!(value(&table, "a").await?, Some(text("1")));
    Ok(Outcome::Passed)
}

async fn updates_under_contention_lose_nothing(cx: Context) -> CaseResult {
    let table: Table<Vec<u32>> = Table::new(cx.table().await?);
    let add = |number: u32| {
        let table = table.clone();
        tokio::spawn(async move {
            let add = |numbers: Option<Vec<u32>>| {
                let mut numbers = numbers.unwrap_or_default();
                numbers.push(number);
                Ok(Update::Put(numbers))
            };
            table.update("list", add).await
        })
    };
    for result in join_all((0..8).map(add)).await {
        result??;
    }
    let mut numbers = table.get("list").await?.ok_or("no list")?.into_value();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..8).collect::<Vec<u32>>());
    Ok(Outcome::Passed)
}

async fn an_update_gives_up_when_others_are_always_faster(cx: Context) -> CaseResult {
    let store = cx.table().await?;
    let (table, rival) = (Table::<String>::new(store.clone()), rival::AlwaysFaster::new(store));
    table.put("a", &text("start")).await?;
    let slow: Table<String> = Table::new(rival);
    let mut calls = 0;
    let change = |_| {
        calls += 1;
        Ok(Update::Put(text("slow")))
    };
    let error = refused(slow.update("a", change).await, ErrorKind::Conflict);
    assert!(error.is_retryable());
    assert_eq!(error.operation(), Some("kv.update"));
    assert_eq!(calls, 16);
    assert_eq!(value(&table, "a").await?, Some(text("fast")));
    Ok(Outcome::Passed)
}

mod rival {
    //! A table in which another client writes just before every write.

    use std::sync::Arc;

    use async_trait::async_trait;
    use bytes::Bytes;
    use skyport_core::Result;
    use skyport_core::kv::port::{
        Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion, TableInfo,
        Write,
    };

    #[derive(Debug)]
    pub(super) struct AlwaysFaster(Arc<dyn KeyValueStore>);

    impl AlwaysFaster {
        pub(super) fn new(inner: Arc<dyn KeyValueStore>) -> Arc<Self> {
            Arc::new(Self(inner))
        }
    }

    #[deny(clippy::missing_trait_methods)]
    #[async_trait]
    impl KeyValueStore for AlwaysFaster {
        fn info(&self) -> &TableInfo {
            self.0.info()
        }

        async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
            self.0.get(key).await
        }

        async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
            self.0.get_many(keys).await
        }

        async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
            let first = Write::put(write.key.clone(), Bytes::from_static(b"\"fast\""));
            self.0.write(first).await?;
            self.0.write(write).await
        }

        async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
            self.0.write_many(writes).await
        }

        async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
            self.0.transact(writes).await
        }

        async fn increment(&self, increment: Increment) -> Result<Incremented> {
            self.0.increment(increment).await
        }

        async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
            self.0.query(options).await
        }

        async fn sweep(&self) -> Result<u64> {
            self.0.sweep().await
        }
    }
}
