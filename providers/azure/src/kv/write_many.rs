//! Many writes without conditions, each on its own. Puts of one partition go together, since Azure bills and sends them as one;
//! deletions go alone: what is missing would fail the whole.

use std::collections::HashMap;

use futures_util::StreamExt;
use skyport_core::kv::port::{Change, RawVersion, Write};
use skyport_core::{Error, Result};

use super::AzureTable;
use super::operation::MOST;

/// The most puts of one request, and of one where each has a mirror, too.
const BATCH: usize = MOST;
const MIRRORED_BATCH: usize = MOST / 2;
/// The most bytes of values that go together: larger ones gain nothing by it.
const BATCH_BYTES: usize = 256 << 10;
/// How many requests are under way at once.
const AT_ONCE: usize = 8;

type Results = Vec<Result<Option<RawVersion>>>;
/// Some writes, and where each stands.
type Batch = Vec<(usize, Write)>;

impl AzureTable {
    pub(super) async fn write_batches(&self, writes: Vec<Write>) -> Results {
        let mut results: Vec<Option<Result<Option<RawVersion>>>> = writes.iter().map(|_| None).collect();
        let most = if self.mirrored { MIRRORED_BATCH } else { BATCH };
        let sends = batches(writes, most).into_iter().map(|batch| self.write_batch(batch));
        let mut sends = futures_util::stream::iter(sends).buffer_unordered(AT_ONCE);
        while let Some(written) = sends.next().await {
            for (place, result) in written {
                results[place] = Some(result);
            }
        }
        let missing = || Err(Error::internal("a write of the batch was never sent"));
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    async fn write_batch(&self, batch: Batch) -> Vec<(usize, Result<Option<RawVersion>>)> {
        let (places, writes): (Vec<usize>, Vec<Write>) = batch.into_iter().unzip();
        let count = writes.len();
        let results = match self.apply(writes.clone()).await {
            Ok(versions) => versions.into_iter().map(Ok).collect(),
            // What is wrong with one is not the others' fault.
            Err(refused) if count > 1 && !refused.error.is_retryable() && !refused.error.is_ambiguous() => {
                let mut results = Results::with_capacity(count);
                for write in writes {
                    results.push(self.write_one(write).await);
                }
                results
            }
            Err(refused) => refused.error.of_each(count),
        };
        places.into_iter().zip(results).collect()
    }
}

/// Cuts writes into what is sent together, at most so many.
fn batches(writes: Vec<Write>, most: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    // The batch of each partition that has room, and how many bytes are in it.
    let mut open: HashMap<std::sync::Arc<str>, (usize, usize)> = HashMap::new();
    for (place, write) in writes.into_iter().enumerate() {
        let Change::Put { value, .. } = &write.change else {
            batches.push(vec![(place, write)]);
            continue;
        };
        let (size, partition) = (value.len(), write.key.partition.clone());
        if let Some((at, bytes)) = open.get_mut(&partition)
            && batches[*at].len() < most
            && *bytes + size <= BATCH_BYTES
        {
            *bytes += size;
            batches[*at].push((place, write));
            continue;
        }
        open.insert(partition, (batches.len(), size));
        batches.push(vec![(place, write)]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyport_core::kv::port::Key;

    #[test]
    fn puts_of_one_partition_go_together_as_far_as_there_is_room_and_deletions_alone() {
        let put = |partition: &str, sort: usize, size: usize| {
            Write::put(Key::new(partition, sort.to_string()), vec![b'x'; size].into())
        };
        let mut writes: Vec<Write> = (0..BATCH + 1).map(|sort| put("p", sort, 1)).collect();
        writes.extend([put("q", 0, 128 << 10), put("q", 1, 128 << 10), put("q", 2, 1)]);
        writes.push(Write::delete(Key::new("p", "x")));
        let sizes: Vec<usize> = batches(writes, BATCH).iter().map(Vec::len).collect();
        assert_eq!(sizes, [BATCH, 1, 2, 1, 1]);
    }
}
