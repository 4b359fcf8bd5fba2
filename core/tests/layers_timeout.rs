//! The timeout layer, alone and stacked with retry.
#![allow(clippy::expect_used)]

mod layers_support;

use std::sync::Arc;
use std::time::Duration;

use layers_support::{bucket, queue, table, when};
use skyport_core::ErrorKind::{Indeterminate, Timeout as TimedOut};
use skyport_core::blob::port::Condition;
use skyport_core::kv::port::{Key, KeyValueStore};
use skyport_core::layers::{Layer, Retry, Timeout};
use skyport_core::queue::port::ReceiveOptions;
use skyport_memory::{Fault, Memory, Operation};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(3);

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_the_limit_and_the_text_names_it() {
    let memory = Memory::new();
    let bucket = Timeout::new(LIMIT).blob(bucket(&memory, "b").await);
    memory.faults().inject_everywhere(Fault::slow(LIMIT * 2));
    let begun = Instant::now();
    let error = bucket.put("a", "1".into(), when(Condition::IfAbsent)).await.expect_err("too slow");
    assert_eq!((error.kind(), begun.elapsed()), (TimedOut, LIMIT));
    assert!(error.is_ambiguous() && error.message().contains("3s"), "{error}");
    let keys = vec!["a".to_owned(), "b".to_owned()];
    let deleted = bucket.delete_many(keys).await;
    assert_eq!(deleted.len(), 2);
    assert!(deleted.iter().all(|one| one.as_ref().is_err_and(|error| error.kind() == TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn a_receive_has_its_wait_on_top() {
    let memory = Memory::new();
    let queue = Timeout::new(LIMIT).queue(queue(&memory, "q").await);
    let options = ReceiveOptions::new(1, LIMIT * 5, LIMIT);
    assert!(queue.receive(options).await.expect("no timeout").is_empty());
}

#[tokio::test(start_paused = true)]
async fn neither_order_of_retry_and_timeout_hangs() {
    let memory = Memory::new();
    let plain = bucket(&memory, "b").await;
    memory.faults().inject_everywhere(Fault::slow(Duration::from_secs(3600)));
    let begun = Instant::now();
    let outside = Timeout::new(LIMIT).blob(Retry::default().blob(plain.clone()));
    let error = outside.put("a", "1".into(), when(Condition::IfAbsent)).await.expect_err("it hangs");
    assert_eq!((error.kind(), begun.elapsed()), (TimedOut, LIMIT));
    let inside = Retry::default().blob(Timeout::new(LIMIT).blob(plain));
    let error = inside.put("a", "1".into(), when(Condition::IfAbsent)).await.expect_err("it hangs");
    assert_eq!(error.kind(), Indeterminate);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_of_retry_ends_an_attempt_and_the_next_one_succeeds() {
    let memory = Memory::new();
    let plain = table(&memory, "t").await;
    let table: Arc<dyn KeyValueStore> = Retry::default().table(Timeout::new(LIMIT).table(plain));
    memory.faults().inject(Operation::KvGet, Fault::slow(LIMIT * 2).nth(1));
    assert!(table.get(&Key::new("p", "s")).await.expect("second attempt").is_none());
}
