//! Many writes without conditions, each on its own, by batches.

use futures_util::StreamExt;
use prost::Message;
use skyport_core::Result;
use skyport_core::kv::port::{RawVersion, Write};
use skyport_core::pieces::Pieces;
use tonic::Code;

use super::FirestoreTable;
use super::database::{Database, unanswered, unconditional};
use super::write::Sent;
use crate::error::of_part;
use crate::proto::firestore::BatchWriteResponse;

/// The most writes of one batch; Firestore takes 500.
const BATCH: usize = 200;
/// The most bytes of one batch, as they are sent; Firestore takes 10 MiB. One write is always less.
const BATCH_BYTES: usize = 4 << 20;
/// What stands around each write.
const FRAME: usize = 8;
/// How many batches are under way at once.
const AT_ONCE: usize = 4;
/// Values; the rest of a batch is for names and masks.
pub(super) const PIECES: Pieces = Pieces::requests(BATCH, BATCH_BYTES / 4 * 3, AT_ONCE);

type Results = Vec<Result<Option<RawVersion>>>;

impl FirestoreTable {
    pub(super) async fn write_batches(&self, writes: Vec<Write>) -> Results {
        let database = match self.there().await {
            Ok(database) => database,
            Err(error) => return error.of_each(writes.len()),
        };
        // One after the other is made when it is sent: the values are in memory, and need not be so twice.
        let batches = Batches { database, writes: writes.into_iter().peekable(), next: None };
        let batches = futures_util::stream::iter(batches).map(|(batch, bytes)| send(database, batch, bytes));
        let results: Vec<Results> = batches.buffered(AT_ONCE).collect().await;
        results.into_iter().flatten().collect()
    }
}

/// Cuts writes into batches.
struct Batches<'d> {
    database: &'d Database,
    writes: std::iter::Peekable<std::vec::IntoIter<Write>>,
    /// One that the last batch had no room for.
    next: Option<(Option<Sent>, usize)>,
}

impl Iterator for Batches<'_> {
    /// With about how many bytes they are.
    type Item = (Vec<Option<Sent>>, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH {
            let made = self.next.take().or_else(|| {
                let sent = Sent::of(self.database, self.writes.next()?);
                let size = sent.as_ref().map_or(0, |sent| sent.write.encoded_len());
                Some((sent, size))
            });
            let Some((sent, size)) = made else { break };
            if !batch.is_empty() && bytes + size > BATCH_BYTES {
                self.next = Some((sent, size));
                break;
            }
            bytes += size;
            batch.push(sent);
        }
        (!batch.is_empty()).then_some((batch, bytes))
    }
}

/// Sends a batch; one result each. A check without a condition changes nothing and always holds.
async fn send(database: &Database, batch: Vec<Option<Sent>>, bytes: usize) -> Results {
    let (mut writes, mut puts) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for sent in batch {
        puts.push(sent.map(|sent| {
            let (write, put) = sent.into_parts();
            writes.push(write);
            put
        }));
    }
    let answer = if writes.is_empty() {
        Ok(BatchWriteResponse::default())
    } else {
        database.write_each(writes, bytes + FRAME * puts.len()).await
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return unconditional(error).of_each(puts.len()),
    };
    let mut statuses = answer.status.into_iter();
    let mut answers = answer.write_results.iter();
    let results = puts.into_iter().map(|put| {
        let Some(put) = put else { return Ok(None) };
        // There is an answer for each, also for one that failed.
        let answer = answers.next();
        match statuses.next() {
            None => Err(unanswered()),
            Some(status) if status.code == Code::Ok as i32 => Sent::version(put, answer),
            Some(status) => Err(unconditional(of_part(status))),
        }
    });
    results.collect()
}
