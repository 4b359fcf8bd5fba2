//! The retry layer over the memory provider's faults: each rule of a write whose answer was lost.
#![allow(clippy::expect_used)]

mod layers_support;

use std::sync::Arc;
use std::time::Duration;

use layers_support::{bucket, put_if, queue, receive, table, text, when};
use skyport_core::ErrorKind::{
    AlreadyExists, Conflict, Indeterminate, NotFound, PreconditionFailed, Timeout, Unavailable,
};
use skyport_core::blob::port::{BlobStore, Condition, CopyOptions, DeleteOptions, PutOptions};
use skyport_core::kv::port::{Change, Increment, ItemCondition, Key, KeyValueStore, Write};
use skyport_core::layers::{Layer, Retry};
use skyport_core::queue::port::{MessageQueue, OutMessage, ReceiveOptions, Settlement, Verdict};
use skyport_core::retry::RetryPolicy;
use skyport_memory::{Chaos, Fault, Memory, Operation};
use tokio::time::Instant;

async fn retried_bucket(memory: &Memory) -> Arc<dyn BlobStore> {
    Retry::default().blob(bucket(memory, "b").await)
}

async fn retried_table(memory: &Memory) -> Arc<dyn KeyValueStore> {
    Retry::default().table(table(memory, "t").await)
}

async fn retried_queue(memory: &Memory) -> Arc<dyn MessageQueue> {
    Retry::default().queue(queue(memory, "q").await)
}

fn lose(memory: &Memory, operation: Operation, times: u64) {
    memory.faults().inject(operation, Fault::lose_answer(Unavailable).times(times));
}

fn only_if(etag: skyport_core::blob::port::Etag) -> DeleteOptions {
    let mut options = DeleteOptions::default();
    options.if_match = Some(etag);
    options
}

#[tokio::test(start_paused = true)]
async fn reads_and_plain_writes_are_repeated_up_to_the_attempts() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    let refuse = |times| Fault::refuse(Unavailable).times(times);
    memory.faults().inject(Operation::BlobPut, refuse(2));
    bucket.put("a", "1".into(), PutOptions::default()).await.expect("third attempt");
    memory.faults().inject(Operation::BlobHead, refuse(3));
    let error = bucket.head("a").await.expect_err("three attempts are made");
    assert_eq!(error.kind(), Unavailable);
    assert_eq!(bucket.head("a").await.expect("the faults are used up").size, 1);
    assert_eq!(memory.faults().struck(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_not_repeated() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    memory.faults().inject(Operation::BlobPut, Fault::refuse(AlreadyExists));
    let refused = bucket.put("a", "1".into(), when(Condition::IfAbsent)).await;
    assert_eq!(refused.expect_err("refused").kind(), AlreadyExists);
    assert_eq!(memory.faults().struck(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_put_that_meets_its_own_token_succeeds() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    lose(&memory, Operation::BlobPut, 1);
    let created = bucket.put("a", "1".into(), when(Condition::IfAbsent)).await.expect("its own");
    assert_eq!(bucket.head("a").await.expect("there").etag, created.etag);

    memory.faults().clear();
    lose(&memory, Operation::BlobPut, 1);
    let matching = when(Condition::IfMatch(created.etag));
    let replaced = bucket.put("a", "2".into(), matching).await.expect("its own");
    assert_eq!(bucket.head("a").await.expect("there").etag, replaced.etag);
    assert_eq!(text(&*bucket, "a").await, "2");
}

#[tokio::test(start_paused = true)]
async fn a_conditional_put_whose_attempts_are_spent_is_read_back() {
    let memory = Memory::new();
    let inner = bucket(&memory, "b").await;
    let bucket = Retry::new(RetryPolicy::once()).blob(inner);
    lose(&memory, Operation::BlobPut, 1);
    bucket.put("a", "1".into(), when(Condition::IfAbsent)).await.expect("its own");
    memory.faults().inject(Operation::BlobPut, Fault::slow(Duration::from_secs(60)));
    let lost = bucket.put("b", "1".into(), when(Condition::IfAbsent)).await;
    assert_eq!(lost.expect_err("not there, but maybe on its way").kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_put_that_was_replaced_since_is_indeterminate() {
    let memory = Memory::new();
    let plain = bucket(&memory, "b").await;
    let retried = Retry::default().blob(plain.clone());
    lose(&memory, Operation::BlobPut, 1);
    memory.faults().inject(Operation::BlobHead, Fault::slow(Duration::from_secs(4)));
    let rival = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        plain.put("a", "rival".into(), PutOptions::default()).await.expect("written");
    };
    let (written, ()) = tokio::join!(retried.put("a", "1".into(), when(Condition::IfAbsent)), rival);
    let error = written.expect_err("the rival's token stands there");
    assert_eq!(error.kind(), Indeterminate);
    assert!(!error.is_retryable());
    assert_eq!(text(&*plain, "a").await, "rival");
}

#[tokio::test(start_paused = true)]
async fn a_read_back_that_fails_leaves_it_indeterminate() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    lose(&memory, Operation::BlobPut, 1);
    memory.faults().inject(Operation::BlobHead, Fault::refuse(Unavailable));
    let written = bucket.put("a", "1".into(), when(Condition::IfAbsent)).await;
    assert_eq!(written.expect_err("nobody knows").kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_delete_after_a_lost_answer_is_indeterminate() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    let written = bucket.put("a", "1".into(), PutOptions::default()).await.expect("written");
    lose(&memory, Operation::BlobDelete, 1);
    let deleted = bucket.delete("a", only_if(written.etag)).await;
    assert_eq!(deleted.expect_err("gone, by whom?").kind(), Indeterminate);

    let table = retried_table(&memory).await;
    let key = Key::new("p", "s");
    let version = table.write(Write::put(key.clone(), "1".into())).await.expect("written");
    let mut delete = Write::delete(key);
    delete.condition = ItemCondition::IfVersion(version.expect("a version"));
    lose(&memory, Operation::KvWrite, 1);
    assert_eq!(table.write(delete).await.expect_err("gone, by whom?").kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_lost_its_answer_and_its_source_is_found_by_its_token() {
    let memory = Memory::new();
    let plain = bucket(&memory, "b").await;
    let retried = Retry::default().blob(plain.clone());
    plain.put("from", "1".into(), PutOptions::default()).await.expect("written");
    lose(&memory, Operation::BlobCopy, 1);
    let mut options = CopyOptions::default();
    options.condition = Condition::IfAbsent;
    let copied = retried.copy("from", "to", options).await.expect("its own");
    assert_eq!(plain.head("to").await.expect("there").etag, copied.etag);

    memory.faults().clear();
    memory.faults().inject(Operation::BlobCopy, Fault::lose_answer(Unavailable).nth(1));
    memory.faults().inject(Operation::BlobCopy, Fault::refuse(NotFound).nth(2));
    retried.copy("from", "other", CopyOptions::default()).await.expect("its own, without a condition too");
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_completed_once_and_its_parts_are_repeated() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    memory.faults().inject(Operation::BlobPutPart, Fault::refuse(Unavailable).times(2));
    lose(&memory, Operation::BlobComplete, 1);
    let upload = bucket.start_upload("a", when(Condition::IfAbsent)).await.expect("started");
    upload.put_part(0, "12".into()).await.expect("third attempt");
    let written = upload.complete(1).await.expect("its own");
    assert_eq!(bucket.head("a").await.expect("there").etag, written.etag);
    assert_eq!(text(&*bucket, "a").await, "12");
}

#[tokio::test(start_paused = true)]
async fn a_plain_write_never_reports_a_refusal_after_a_lost_answer() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    memory.faults().inject(Operation::BlobDelete, Fault::lose_answer(Unavailable).nth(1));
    memory.faults().inject(Operation::BlobDelete, Fault::refuse(NotFound).nth(2));
    let deleted = bucket.delete("a", DeleteOptions::default()).await;
    assert_eq!(deleted.expect_err("the bucket is gone").kind(), Indeterminate);

    memory.faults().clear();
    memory.faults().inject(Operation::BlobPut, Fault::lose_answer(Unavailable).nth(1));
    memory.faults().inject(Operation::BlobPut, Fault::refuse(Conflict));
    let written = bucket.put("a", "1".into(), PutOptions::default()).await;
    let error = written.expect_err("attempts are spent");
    assert!(error.kind() == Conflict && error.is_ambiguous());
}

#[tokio::test(start_paused = true)]
async fn a_conditional_item_that_meets_its_own_token_succeeds() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let key = Key::new("p", "s");
    lose(&memory, Operation::KvWrite, 1);
    let created = table.write(put_if(&key, "1", ItemCondition::IfAbsent)).await.expect("its own");
    let read = table.get(&key).await.expect("read").expect("there");
    assert_eq!(created, Some(read.version.clone()));

    memory.faults().clear();
    lose(&memory, Operation::KvWrite, 3);
    let update = put_if(&key, "2", ItemCondition::IfVersion(read.version));
    let updated = table.write(update).await.expect("attempts spent, its own all the same");
    let read = table.get(&key).await.expect("read").expect("there");
    assert_eq!((updated, &read.value[..]), (Some(read.version), &b"2"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_conditional_item_that_was_replaced_since_is_indeterminate() {
    let memory = Memory::new();
    let plain = table(&memory, "t").await;
    let retried = Retry::default().table(plain.clone());
    let key = Key::new("p", "s");
    lose(&memory, Operation::KvWrite, 1);
    memory.faults().inject(Operation::KvGet, Fault::slow(Duration::from_secs(4)));
    let rival = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        plain.write(Write::put(key.clone(), "rival".into())).await.expect("written");
    };
    let (written, ()) = tokio::join!(retried.write(put_if(&key, "1", ItemCondition::IfAbsent)), rival);
    assert_eq!(written.expect_err("the rival's").kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_recognised_by_all_that_it_put() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let (a, b, c) = (Key::new("p", "a"), Key::new("p", "b"), Key::new("p", "c"));
    table.write(Write::put(c.clone(), "0".into())).await.expect("written");
    let writes = vec![
        put_if(&a, "1", ItemCondition::IfAbsent),
        Write::delete(c.clone()),
        put_if(&b, "2", ItemCondition::IfAbsent),
    ];
    lose(&memory, Operation::KvTransact, 1);
    let versions = table.transact(writes).await.expect("its own");
    let version = async |key| table.get(key).await.expect("read").map(|item| item.version);
    assert_eq!(versions, [version(&a).await, None, version(&b).await]);
    assert!(versions[0].is_some() && versions[2].is_some());
    assert_eq!(version(&c).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_put_nothing_is_indeterminate_after_a_lost_answer() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let key = Key::new("p", "a");
    let version = table.write(Write::put(key.clone(), "0".into())).await.expect("written");
    let mut delete = Write::delete(key.clone());
    delete.condition = ItemCondition::IfVersion(version.expect("a version"));
    lose(&memory, Operation::KvTransact, 1);
    assert_eq!(table.transact(vec![delete]).await.expect_err("gone, by whom?").kind(), Indeterminate);

    memory.faults().clear();
    lose(&memory, Operation::KvTransact, 1);
    let mut check = Write::new(key, Change::Check);
    check.condition = ItemCondition::IfVersion(skyport_core::kv::port::RawVersion::new("1"));
    let error = table.transact(vec![check]).await.expect_err("it changes nothing");
    assert_eq!(error.kind(), PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_was_refused_is_told_as_it_was() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let (a, b) = (Key::new("p", "a"), Key::new("p", "b"));
    table.write(Write::put(b.clone(), "0".into())).await.expect("written");
    let writes = vec![Write::put(a, "1".into()), put_if(&b, "2", ItemCondition::IfAbsent)];
    let error = table.transact(writes.clone()).await.expect_err("b is there");
    assert_eq!((error.kind(), error.item()), (AlreadyExists, Some(1)));
    memory.faults().inject(Operation::KvTransact, Fault::slow(Duration::from_secs(11)).nth(1));
    let error = table.transact(writes).await.expect_err("b is there");
    assert_eq!(error.kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn an_increment_is_applied_once_however_often_its_answer_is_lost() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let key = Key::new("p", "n");
    let increment = || Increment::new(key.clone(), 5, memory.clock().now());
    lose(&memory, Operation::KvIncrement, 2);
    assert_eq!(table.increment(increment()).await.expect("the third answer").value, 5);
    memory.faults().clear();
    lose(&memory, Operation::KvIncrement, 3);
    assert_eq!(table.increment(increment()).await.expect_err("no answer").kind(), Indeterminate);
    memory.faults().clear();
    assert_eq!(table.increment(increment()).await.expect("unhindered").value, 15);
}

#[tokio::test(start_paused = true)]
async fn a_batch_repeats_what_failed_and_keeps_the_order() {
    let memory = Memory::new();
    let table = retried_table(&memory).await;
    let keys: Vec<Key> = (0..3).map(|n| Key::new("p", n.to_string())).collect();
    memory.faults().inject(Operation::KvWriteMany, Fault::refuse(Unavailable).times(2));
    let writes = keys.iter().map(|key| Write::put(key.clone(), key.sort.to_string().into()));
    for written in table.write_many(writes.collect()).await {
        assert!(written.expect("third attempt").is_some());
    }
    memory.faults().inject(Operation::KvGetMany, Fault::slow(Duration::from_secs(11)).nth(1));
    let read = table.get_many(keys.iter().rev().cloned().collect()).await;
    let values = read.into_iter().map(|item| item.expect("read").expect("there").value);
    assert_eq!(values.collect::<Vec<_>>(), ["2", "1", "0"]);
    memory.faults().inject(Operation::KvGetMany, Fault::slow(Duration::from_secs(99)));
    for read in table.get_many(keys).await {
        assert_eq!(read.expect_err("never in time").kind(), Timeout);
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_timed_out_is_sent_again() {
    let memory = Memory::new();
    let queue = retried_queue(&memory).await;
    lose(&memory, Operation::QueueSend, 1);
    let sent = queue.send(vec![OutMessage::new("1"), OutMessage::new("2")]).await;
    assert!(sent.iter().all(Result::is_ok));
    let received = receive(&*queue).await;
    assert!(received.len() >= 2, "at least once: {}", received.len());
}

#[tokio::test(start_paused = true)]
async fn of_a_large_batch_as_many_messages_are_sent_at_once_as_the_queue_bears() {
    let memory = Memory::new();
    let queue = retried_queue(&memory).await;
    memory.faults().unleash(Chaos::quiet(0).keep_calls());
    let at_once = queue.info().limits.send.items;
    let messages = (0..2 * at_once + 1).map(|number| OutMessage::new(number.to_string())).collect();
    assert!(queue.send(messages).await.iter().all(Result::is_ok));
    let sends = memory.faults().calls().into_iter().filter(|call| call.operation() == Operation::QueueSend);
    assert_eq!(sends.count(), 3);
    assert_eq!(queue.depth().await.expect("told").ready, 2 * at_once as u64 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_receive_may_wait_longer_than_an_attempt() {
    let memory = Memory::new();
    let queue = retried_queue(&memory).await;
    let begun = Instant::now();
    let options = ReceiveOptions::new(1, Duration::from_secs(60), Duration::from_secs(5));
    assert!(queue.receive(options).await.expect("in time").is_empty());
    assert_eq!(begun.elapsed(), Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn an_ack_whose_answer_was_lost_is_done_and_a_second_ack_is_refused() {
    let memory = Memory::new();
    let queue = retried_queue(&memory).await;
    let _ = queue.send(vec![OutMessage::new("1"), OutMessage::new("2")]).await;
    let received = receive(&*queue).await;
    let settle = |at: usize, verdict| vec![Settlement::new(received[at].receipt.clone(), verdict)];
    lose(&memory, Operation::QueueSettle, 1);
    let acked = queue.settle(settle(0, Verdict::Ack)).await.remove(0);
    acked.expect("settled, by this very ack");
    let again = queue.settle(settle(0, Verdict::Ack)).await.remove(0);
    assert_eq!(again.expect_err("settled before").kind(), PreconditionFailed);

    memory.faults().clear();
    lose(&memory, Operation::QueueSettle, 1);
    let retried = queue.settle(settle(1, Verdict::Retry(Duration::ZERO))).await.remove(0);
    assert_eq!(retried.expect_err("perhaps").kind(), Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_ends_with_the_limit_in_the_text() {
    let memory = Memory::new();
    let bucket = retried_bucket(&memory).await;
    memory.faults().inject(Operation::BlobHead, Fault::slow(Duration::from_secs(3600)));
    let begun = Instant::now();
    let error = bucket.head("a").await.expect_err("it hangs");
    assert_eq!(error.kind(), Timeout);
    assert!(error.message().contains("25s"), "{error}");
    assert_eq!(begun.elapsed(), Duration::from_secs(25));
}
