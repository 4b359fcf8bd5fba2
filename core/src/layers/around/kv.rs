//! Around the calls of a table.

use async_trait::async_trait;

use super::{Around, Call, Wrapped};
use crate::Result;
use crate::kv::port::{
    Change, Increment, Incremented, Key, KeyValueStore, QueryOptions, QueryPage, RawItem, RawVersion,
    TableInfo, Write,
};

fn call<'a>(info: &'a TableInfo, operation: &'static str) -> Call<'a> {
    Call::new(info.provider, &info.resource, operation)
}

fn bytes(writes: &[Write]) -> usize {
    let sizes = writes.iter().map(|write| match &write.change {
        Change::Put { value, .. } => value.len(),
        Change::Delete | Change::Check => 0,
    });
    sizes.sum()
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<A: Around> KeyValueStore for Wrapped<dyn KeyValueStore, A> {
    fn info(&self) -> &TableInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key) -> Result<Option<RawItem>> {
        let call = call(self.info(), "kv.get");
        self.around.one(call, self.inner.get(key)).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Vec<Result<Option<RawItem>>> {
        let call = call(self.info(), "kv.get_many").items(keys.len());
        self.around.batch(call, self.inner.get_many(keys)).await
    }

    async fn write(&self, write: Write) -> Result<Option<RawVersion>> {
        let call = call(self.info(), "kv.write").bytes(bytes(std::slice::from_ref(&write)));
        self.around.one(call, self.inner.write(write)).await
    }

    async fn write_many(&self, writes: Vec<Write>) -> Vec<Result<Option<RawVersion>>> {
        let call = call(self.info(), "kv.write_many").items(writes.len()).bytes(bytes(&writes));
        self.around.batch(call, self.inner.write_many(writes)).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Vec<Option<RawVersion>>> {
        let call = call(self.info(), "kv.transact").bytes(bytes(&writes));
        self.around.one(call, self.inner.transact(writes)).await
    }

    async fn increment(&self, increment: Increment) -> Result<Incremented> {
        let call = call(self.info(), "kv.increment");
        self.around.one(call, self.inner.increment(increment)).await
    }

    async fn query(&self, options: QueryOptions) -> Result<QueryPage> {
        let call = call(self.info(), "kv.query");
        self.around.one(call, self.inner.query(options)).await
    }

    async fn sweep(&self) -> Result<u64> {
        let call = call(self.info(), "kv.sweep");
        self.around.one(call, self.inner.sweep()).await
    }
}
