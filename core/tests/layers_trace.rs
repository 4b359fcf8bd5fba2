//! The trace layer: one event for each call that reaches the provider, and nothing in it that is not to be logged.
#![allow(clippy::expect_used)]

mod layers_support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use layers_support::{bucket, queue, receive, table};
use skyport_core::ErrorKind::{NotFound, Unavailable};
use skyport_core::blob::Bucket;
use skyport_core::kv::port::Key;
use skyport_core::layers::{Layer, Retry, Trace};
use skyport_core::queue::port::OutMessage;
use skyport_memory::{Fault, Memory, Operation};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<&'static str, String>;

/// Keeps every event and every span of Skyport.
#[derive(Clone, Default)]
struct Recorder(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    events: Mutex<Vec<Fields>>,
    spans: Mutex<Vec<&'static str>>,
    ids: AtomicU64,
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("skyport") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.spans.lock().expect("spans").push(span.metadata().name());
        Id::from_u64(self.0.ids.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        fields.insert("level", event.metadata().level().to_string());
        self.0.events.lock().expect("events").push(fields);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Recorder {
    fn events(&self) -> Vec<Fields> {
        std::mem::take(&mut *self.0.events.lock().expect("events"))
    }

    fn spans(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.spans.lock().expect("spans"))
    }
}

/// Fails unless the event has these fields.
#[track_caller]
fn assert_tells(event: &Fields, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(event.get(name).map(String::as_str), Some(*value), "`{name}` of {event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_told_with_its_outcome_and_without_its_key() {
    let memory = Memory::new();
    let bucket = Trace::new().blob(bucket(&memory, "photos").await);
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    bucket.put("secret-key", "12345".into(), Default::default()).await.expect("written");
    assert!(bucket.head("other-secret-key").await.is_err());
    let events = recorder.events();
    assert_eq!(events.len(), 2, "{events:?}");
    let common = [("provider", "memory"), ("resource", "photos"), ("level", "DEBUG"), ("items", "1")];
    events.iter().for_each(|event| assert_tells(event, &common));
    let put = [("operation", "blob.put"), ("bytes", "5"), ("failed", "0"), ("outcome", "ok")];
    assert_tells(&events[0], &put);
    let head = [("operation", "blob.head"), ("bytes", "0"), ("failed", "1"), ("outcome", "not_found")];
    assert_tells(&events[1], &head);
    assert!(events.iter().all(|event| event.contains_key("elapsed_us")));
    assert!(!format!("{events:?}").contains("secret"), "no keys and no bodies: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_the_failures_are_counted_and_the_first_is_the_outcome() {
    let memory = Memory::new();
    let queue = Trace::new().queue(queue(&memory, "jobs").await);
    memory.faults().inject(Operation::QueueSend, Fault::refuse(Unavailable).nth(1));
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let three = || (0..3).map(|_| OutMessage::new("body")).collect::<Vec<_>>();
    assert!(queue.send(three()).await.iter().all(Result::is_err));
    assert!(queue.send(three()).await.iter().all(Result::is_ok));
    let events = recorder.events();
    let failed = [("operation", "queue.send"), ("items", "3"), ("failed", "3"), ("outcome", "unavailable")];
    assert_tells(&events[0], &failed);
    assert_tells(&events[1], &[("items", "3"), ("failed", "0"), ("outcome", "ok")]);
    assert_eq!(events.len(), 2, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handle_opens_one_span_and_the_layer_tells_each_attempt_in_it() {
    let memory = Memory::new();
    let traced = Trace::new().blob(bucket(&memory, "photos").await);
    let bucket = Bucket::new(Retry::default().blob(traced));
    memory.faults().inject(Operation::BlobPut, Fault::refuse(Unavailable).nth(1));
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    bucket.put("k", "v").await.expect("the second attempt");
    assert_eq!(recorder.spans(), ["blob.put"], "one span for the operation, not for its attempts");
    let outcomes: Vec<String> = recorder.events().iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes, ["unavailable", "ok"], "one event for each attempt, none for the operation");
}

#[tokio::test(start_paused = true)]
async fn a_table_is_told_of_as_well() {
    let memory = Memory::new();
    let table = Trace::new().table(table(&memory, "rows").await);
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    assert!(table.get(&Key::new("secret", "key")).await.expect("read").is_none());
    let events = recorder.events();
    assert_tells(&events[0], &[("operation", "kv.get"), ("resource", "rows"), ("outcome", "ok")]);
    assert!(events.len() == 1 && !format!("{events:?}").contains("secret"), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn trace_changes_nothing() {
    let memory = Memory::new();
    let bucket = Trace::new().blob(bucket(&memory, "b").await);
    assert_eq!(bucket.head("a").await.expect_err("none").kind(), NotFound);
    let queue = Trace::new().queue(queue(&memory, "q").await);
    memory.faults().inject(Operation::QueueSend, Fault::refuse(Unavailable).nth(1));
    let refused = queue.send(vec![OutMessage::new("1")]).await;
    assert_eq!(refused[0].as_ref().expect_err("refused").kind(), Unavailable);
    assert!(queue.send(vec![OutMessage::new("1")]).await[0].is_ok());
    assert_eq!(receive(&*queue).await[0].body, "1");
}
