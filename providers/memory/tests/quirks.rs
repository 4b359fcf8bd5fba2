//! What the fakes promise beyond the conformance suite: one state a name, numbers never given twice, faults on order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    BlobStore, DeleteOptions, ListEntry, ListOptions, PutOptions, SignMethod, SignOptions, Subscriber,
};
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::kv::port::{Increment, Key, KeyValueStore, Write};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{OutMessage, QueueSettings, ReceiveOptions};
use skyport_core::{Body, Clock, ErrorKind, Result, Token};
use skyport_memory::{Fault, Memory, Operation};

fn url(name: &str) -> ResourceUrl {
    ResourceUrl::new("memory", name)
}

async fn bucket(memory: &Memory) -> Result<Arc<dyn BlobStore>> {
    memory.create(&url("objects"), &ResourceKind::Bucket).await?;
    memory.bucket(&url("objects"))
}

async fn table(memory: &Memory) -> Result<Arc<dyn KeyValueStore>> {
    let settings = TableSettings::default();
    let kind = ResourceKind::Table(settings.clone());
    memory.create(&url("items"), &kind).await?;
    memory.table(&url("items"), &settings)
}

async fn put(bucket: &Arc<dyn BlobStore>, key: &str) -> Result<String> {
    let written = bucket.put(key, Bytes::from_static(b"x"), PutOptions::default()).await?;
    Ok(written.etag.to_string())
}

#[tokio::test]
async fn a_handle_sees_its_bucket_come_and_go() -> Result<()> {
    let memory = Memory::new();
    let early = memory.bucket(&url("objects"))?;
    assert_eq!(put(&early, "a").await.expect_err("not made yet").kind(), ErrorKind::NotFound);
    let made = bucket(&memory).await?;
    let first = put(&made, "a").await?;
    assert_eq!(early.head("a").await?.etag.as_str(), first);

    memory.remove(&url("objects"), &ResourceKind::Bucket).await?;
    let gone = made.list(ListOptions::default()).await.expect_err("it is gone");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    memory.create(&url("objects"), &ResourceKind::Bucket).await?;
    assert_eq!(made.head("a").await.expect_err("made anew").kind(), ErrorKind::NotFound);
    assert_ne!(put(&made, "a").await?, first, "an etag is never given twice");
    Ok(())
}

#[tokio::test]
async fn a_url_of_another_form_is_refused() -> Result<()> {
    let memory = Memory::new();
    let other = ResourceUrl::new("local", "objects");
    let extra = url("objects").with_parameter("region", "moon");
    for bad in [other, extra] {
        let error = memory.bucket(&bad).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    Ok(())
}

#[tokio::test]
async fn what_comes_after_a_key_in_a_directory_leaves_out_that_directory() -> Result<()> {
    let memory = Memory::new();
    let bucket = bucket(&memory).await?;
    for key in ["a", "d/1", "d/2", "d0", "\u{10ffff}/x", "\u{10ffff}/y"] {
        put(&bucket, key).await?;
    }
    let mut options = ListOptions::default();
    options.delimiter = Some("/".to_owned());
    options.page_size = 10;
    options.start_after = Some("d/1".to_owned());
    let page = bucket.list(options.clone()).await?;
    let names: Vec<&str> = page.entries.iter().map(ListEntry::key).collect();
    assert_eq!(names, ["d0", "\u{10ffff}/"]);

    options.start_after = None;
    options.page_size = 1;
    let mut all = Vec::new();
    loop {
        let page = bucket.list(options.clone()).await?;
        all.extend(page.entries.iter().map(|entry| entry.key().to_owned()));
        match page.next {
            Some(next) => options.token = Some(next),
            None => break,
        }
    }
    assert_eq!(all, ["a", "d/", "d0", "\u{10ffff}/"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn only_what_was_there_is_told_as_deleted() -> Result<()> {
    let memory = Memory::new();
    let bucket = bucket(&memory).await?;
    put(&bucket, "before").await?;
    let mut subscriber = Subscriber::new("index");
    (subscriber.created, subscriber.deleted) = (true, true);
    let events = bucket.events(&subscriber).await?;
    bucket.delete("missing", DeleteOptions::default()).await?;
    let etag = put(&bucket, "a").await?;
    bucket.delete_many(vec!["a".to_owned(), "a".to_owned()]).await;

    let options = ReceiveOptions::new(10, Duration::from_secs(1), Duration::from_secs(30));
    let told: Vec<BlobEvent> = events
        .receive(options)
        .await?
        .iter()
        .map(|delivery| serde_json::from_slice(&delivery.body).expect("an event"))
        .collect();
    let changes: Vec<_> = told.iter().map(|event| (event.change, event.key.as_str())).collect();
    assert_eq!(changes, [(BlobChange::Created, "a"), (BlobChange::Deleted, "a")]);
    assert_eq!(told[0].etag.as_ref().map(|etag| etag.as_str()), Some(etag.as_str()));
    assert_eq!(told[0].size, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_repeated_increment_is_known_behind_a_later_write() -> Result<()> {
    let memory = Memory::new();
    let table = table(&memory).await?;
    let key = Key::new("counters", "visits");
    let mut increment = Increment::new(key.clone(), 5, memory.clock().now());
    memory.faults().inject(Operation::KvIncrement, Fault::lose_answer(ErrorKind::Timeout).nth(1));
    let lost = table.increment(increment.clone()).await.expect_err("its answer is lost");
    assert!(lost.is_ambiguous());
    table.write(Write::put(key.clone(), Bytes::from_static(b"100"))).await?;
    increment.repeated = true;
    assert_eq!(table.increment(increment).await?.value, 5, "what the first made of it");
    let item = table.get(&key).await?.expect("is there");
    assert_eq!(&*item.value, b"100");
    Ok(())
}

#[tokio::test]
async fn a_version_is_not_given_twice_though_the_table_is_made_anew() -> Result<()> {
    let memory = Memory::new();
    let table = table(&memory).await?;
    let write = || Write::put(Key::new("p", "s"), Bytes::from_static(b"1"));
    let first = table.write(write()).await?;
    let kind = ResourceKind::Table(TableSettings::default());
    memory.remove(&url("items"), &kind).await?;
    assert_eq!(table.sweep().await.expect_err("it is gone").kind(), ErrorKind::NotFound);
    memory.create(&url("items"), &kind).await?;
    assert_ne!(table.write(write()).await?, first);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_was_applied_and_a_refused_call_was_not() -> Result<()> {
    let memory = Memory::new();
    let bucket = bucket(&memory).await?;
    let faults = memory.faults();
    faults.inject(Operation::BlobPut, Fault::refuse(ErrorKind::Throttled).nth(1));
    faults.inject(Operation::BlobPut, Fault::lose_answer(ErrorKind::Timeout).nth(2));
    put(&bucket, "a").await.expect_err("refused");
    assert_eq!(bucket.head("a").await.expect_err("was not written").kind(), ErrorKind::NotFound);
    put(&bucket, "a").await.expect_err("its answer is lost");
    assert_eq!(bucket.head("a").await?.size, 1);
    assert_eq!(faults.struck(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_once_in_five_minutes_under_one_id() -> Result<()> {
    let memory = Memory::new();
    let settings = QueueSettings::default();
    memory.create(&url("jobs"), &ResourceKind::Queue(settings.clone())).await?;
    let queue = memory.queue(&url("jobs"), &settings)?;
    let mut message = OutMessage::new("job");
    message.dedupe_id = Some("order-7".to_owned());
    let mut ids = Vec::new();
    for pause in [299, 2, 0] {
        ids.extend(queue.send(vec![message.clone()]).await);
        tokio::time::advance(Duration::from_secs(pause)).await;
    }
    let ids = ids.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
    assert_eq!(queue.depth().await?.ready, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_the_fakes_sign_their_endpoint_serves_until_it_expires() -> Result<()> {
    let memory = Memory::builder().base_url("http://test").build();
    let bucket = bucket(&memory).await?;
    put(&bucket, "a b").await?;
    let options = SignOptions::new(SignMethod::Get, Duration::from_secs(60));
    let signed = bucket.sign("a b", options.clone()).await?;
    assert!(signed.url.starts_with("http://test/"), "{}", signed.url);
    let endpoint = memory.endpoint().expect("it serves what it signs");
    let ask = || {
        let request = http::Request::get(&signed.url).body(Body::empty());
        endpoint.serve(request.expect("a request"))
    };
    let answer = ask().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect(10).await?, "x");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(ask().await.status(), 403);

    memory.remove(&url("objects"), &ResourceKind::Bucket).await?;
    let gone = bucket.sign("a b", options).await.expect_err("the bucket is gone");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_object_over_the_limit_of_copies_is_not_copied() -> Result<()> {
    let memory = Memory::new();
    let bucket = Bucket::new(bucket(&memory).await?);
    let limit = bucket.limits().copy_bytes;
    // All parts are the same memory.
    let part = Bytes::from(vec![7; bucket.limits().part_bytes]);
    let parts = limit / part.len() as u64 + 1;
    let chunks = (0..parts).map(move |_| Ok::<_, skyport_core::Error>(part.clone()));
    bucket.put("large", Body::from_stream(futures_util::stream::iter(chunks))).await?;
    bucket.put("to", "stays").await?;
    let error = bucket.copy("large", "to").await.expect_err("over the limit");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().contains(&limit.to_string()), "{error}");
    assert_eq!(bucket.get("to").text().await?, "stays");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_increment_is_not_applied_twice_when_the_clock_was_set_back() -> Result<()> {
    let (memory, key) = (Memory::new(), Key::new("p", ""));
    let items = table(&memory).await?;
    memory.faults().inject(Operation::KvIncrement, Fault::lose_answer(ErrorKind::Timeout).nth(1));
    let mut ours = Increment::new(key.clone(), 1, memory.clock().now());
    ours.token = Token::from_bits(16);
    items.increment(ours.clone()).await.expect_err("lost");
    // Before it is repeated the clock is set back, and another overwrites its trace.
    Clock::jump(-60_000);
    let mut rival = Increment::new(key.clone(), 1, memory.clock().now());
    rival.token = Token::from_bits(32);
    assert_eq!(items.increment(rival).await?.value, 2);
    ours.repeated = true;
    let error = items.increment(ours).await.expect_err("whether it was applied cannot be told");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    assert_eq!(&*items.get(&key).await?.expect("counted").value, b"2");
    Ok(())
}
