//! The prefix layer: a part of a bucket or a table as if it were the whole.
#![allow(clippy::expect_used)]

mod layers_support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use layers_support::{bucket, receive, table, text};
use skyport_core::blob::port::{BlobStore, ListOptions, PutOptions, Subscriber};
use skyport_core::event::BlobEvent;
use skyport_core::kv::port::{Key, QueryOptions, Write};
use skyport_core::layers::{Layer, Prefix};
use skyport_core::queue::port::{MessageQueue, ReceiveOptions, Settlement, Verdict};
use skyport_memory::Memory;

fn layer() -> Prefix {
    Prefix::new("team/app").expect("valid")
}

async fn put(bucket: &Arc<dyn BlobStore>, key: &str) {
    let written = bucket.put(key, Bytes::copy_from_slice(key.as_bytes()), PutOptions::default());
    written.await.expect("written");
}

#[tokio::test(start_paused = true)]
async fn a_listing_pages_through_the_prefix_and_tells_bare_keys() {
    let memory = Memory::new();
    let whole = bucket(&memory, "b").await;
    let part = layer().blob(whole.clone());
    for key in ["a", "d/1", "d/2", "z"] {
        put(&part, key).await;
    }
    for key in ["team/apple", "team/ap", "z"] {
        put(&whole, key).await;
    }
    let mut options = ListOptions::default();
    options.page_size = 1;
    options.delimiter = Some("/".to_owned());
    options.start_after = Some("a".to_owned());
    let mut found = Vec::new();
    loop {
        let page = part.list(options.clone()).await.expect("listed");
        found.extend(page.entries.iter().map(|entry| entry.key().to_owned()));
        options.token = page.next;
        if options.token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["d/", "z"]);
    assert_eq!(text(&*whole, "team/app/d/1").await, "d/1");
}

#[tokio::test(start_paused = true)]
async fn an_object_at_the_prefix_itself_is_not_listed() {
    let memory = Memory::new();
    let whole = bucket(&memory, "b").await;
    put(&whole, "team/app/").await;
    put(&whole, "team/app/a").await;
    let part = layer().blob(whole);
    let mut options = ListOptions::default();
    options.page_size = 10;
    let page = part.list(options).await.expect("listed");
    let keys: Vec<&str> = page.entries.iter().map(|entry| entry.key()).collect();
    assert_eq!((keys, page.next), (vec!["a"], None));
}

#[tokio::test(start_paused = true)]
async fn limits_shrink_by_the_prefix() {
    let memory = Memory::new();
    let part = layer().blob(bucket(&memory, "b").await);
    assert_eq!(part.info().limits.key_bytes, 1024 - 9);
    assert_eq!(part.info().limits.key_segments, 254 - 2);
    let part = layer().table(table(&memory, "t").await);
    assert_eq!(part.info().limits.partition_bytes, 255 - 9);
}

async fn event(queue: &Arc<dyn MessageQueue>) -> (BlobEvent, Settlement) {
    let options = ReceiveOptions::new(1, Duration::from_secs(5), Duration::from_secs(30));
    let delivery = queue.receive(options).await.expect("received").remove(0);
    let event = serde_json::from_slice(&delivery.body).expect("an event");
    let message = Box::new(delivery.to_message());
    let reason = "test".to_owned();
    (event, Settlement::new(delivery.receipt, Verdict::DeadLetter { reason, message }))
}

#[tokio::test(start_paused = true)]
async fn events_of_others_are_acknowledged_and_ours_tell_bare_keys() {
    let memory = Memory::new();
    let whole = bucket(&memory, "b").await;
    let part = layer().blob(whole.clone());
    let mut subscriber = Subscriber::new("s");
    subscriber.created = true;
    let events = part.events(&subscriber).await.expect("subscribed");
    for key in ["other", "team/apple"] {
        put(&whole, key).await;
    }
    put(&part, "mine").await;
    let (told, settlement) = event(&events).await;
    assert_eq!(told.key, "mine");
    events.settle(vec![settlement]).await.remove(0).expect("settled");
    assert_eq!(events.depth().await.expect("told").total(), 0);

    let letters = events.dead_letters().expect("has some");
    let letter = receive(&*letters).await.remove(0);
    let told: BlobEvent = serde_json::from_slice(&letter.body).expect("an event");
    assert_eq!(told.key, "mine");
    events.send(vec![letter.to_message()]).await.remove(0).expect("sent back");
    assert_eq!(event(&events).await.0.key, "mine");
}

#[tokio::test(start_paused = true)]
async fn a_table_keeps_its_partitions_under_the_prefix() {
    let memory = Memory::new();
    let whole = table(&memory, "t").await;
    let part = layer().table(whole.clone());
    let key = Key::new("p", "s");
    part.write(Write::put(key.clone(), "1".into())).await.expect("written");
    assert!(whole.get(&key).await.expect("read").is_none());
    let inner = whole.get(&Key::new("team/app/p", "s")).await.expect("read");
    assert!(inner.is_some());
    assert_eq!(part.get(&key).await.expect("read").expect("there").key, key);
    let page = part.query(QueryOptions::new("p", 10)).await.expect("queried");
    assert_eq!(page.items[0].key, key);
    let many = part.get_many(vec![Key::new("p", "no"), key.clone()]).await;
    let found: Vec<_> = many.into_iter().map(|item| item.expect("read").map(|item| item.key)).collect();
    assert_eq!(found, [None, Some(key)]);
}
