//! Rows of local's database that hold anything.

use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::{Bucket, Object};
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, OutMessage, QueueSettings, ReceiveOptions};
use skyport_core::{Error, ErrorKind, Raw};
use skyport_local::{Local, LocalConfig};
use tempfile::TempDir;

use crate::{sound, text, worlds};

/// The tables that are filled, and their columns.
const TABLES: &[(&str, &[&str])] = &[
    ("objects", &["key", "content", "size", "modified", "token", "properties"]),
    ("queues", &["max_attempts", "ordered", "dead_id"]),
    (
        "messages",
        &[
            "visible_at",
            "lease",
            "attempts",
            "group_name",
            "sent_at",
            "kept_from",
            "attributes",
            "envelope",
            "body",
            "head",
        ],
    ),
    ("subscriptions", &["created", "deleted"]),
    ("items", &["partition", "sort", "value", "version", "expires", "token", "slots"]),
];

const CONTENT: &[u8] = b"content";

struct Place {
    local: Local,
    /// Another program's way to the same file.
    other: Connection,
    _folder: TempDir,
}

thread_local! {
    static PLACE: OnceCell<Rc<Place>> = const { OnceCell::new() };
}

fn url(name: &str) -> ResourceUrl {
    ResourceUrl::new("local", name)
}

/// A folder with an object, a message, a dead letter, an item and a counter, whose rows are kept to be put back. It goes with the
/// thread.
async fn place() -> Rc<Place> {
    if let Some(place) = PLACE.with(|place| place.get().cloned()) {
        return place;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let local = Local::new(LocalConfig::new(folder.path()));
    fill(&local).await;
    let other = keep(&folder.path().join("skyport.db"));
    let made = Rc::new(Place { local, other, _folder: folder });
    PLACE.with(|place| Rc::clone(place.get_or_init(|| made)))
}

async fn fill(local: &Local) {
    let queue = ResourceKind::Queue(QueueSettings::default());
    let table = ResourceKind::Table(TableSettings::default());
    for (name, kind) in [("photos", ResourceKind::Bucket), ("jobs", queue), ("days", table)] {
        local.create(&url(name), &kind).await.expect("created");
    }
    let bucket = local.bucket(&url("photos")).expect("opens");
    let mut subscriber = Subscriber::new("app-seen");
    subscriber.created = true;
    bucket.events(&subscriber).await.expect("subscribed");
    Bucket::new(bucket)
        .put("a", CONTENT)
        .content_type("text/plain")
        .metadata("by", "me")
        .await
        .expect("written");
    let queue = local.queue(&url("jobs"), &QueueSettings::default()).expect("opens");
    let mut message = OutMessage::new("body");
    message.attributes = [("colour".to_owned(), "blue".to_owned())].into_iter().collect();
    for sent in queue.send(vec![message, OutMessage::new("second")]).await {
        sent.expect("sent");
    }
    for sent in queue.dead_letters().expect("has some").send(vec![OutMessage::new("dead")]).await {
        sent.expect("sent");
    }
    let days = days(local);
    days.put(("p", "a"), &"value".to_owned()).await.expect("written");
    days.increment(("p", "n"), 1).await.expect("counted");
}

fn days(local: &Local) -> Table<String> {
    Table::new(local.table(&url("days"), &TableSettings::default()).expect("opens"))
}

fn keep(file: &Path) -> Connection {
    let other = Connection::open(file).expect("opens");
    other.busy_timeout(Duration::from_secs(60)).expect("waits");
    other.execute_batch("ATTACH ':memory:' AS kept; PRAGMA foreign_keys = OFF").expect("attached");
    for (table, _) in TABLES {
        other
            .execute_batch(&format!("CREATE TABLE kept.{table} AS SELECT * FROM main.{table}"))
            .expect("kept");
    }
    other
}

/// Puts the rows back, and then what the input says in the place of some of their columns.
fn spoil(other: &Connection, input: &[u8]) {
    other.execute_batch("BEGIN IMMEDIATE").expect("begun");
    for (table, _) in TABLES {
        let sql = format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM kept.{table}");
        other.execute_batch(&sql).expect("put back");
    }
    for line in input.split(|byte| *byte == b'\n').take(16) {
        let Some(at) = line.iter().position(|byte| *byte == b'=') else { continue };
        let place = text::of(&line[..at]);
        let Some((table, column)) = place.split_once('.') else { continue };
        let is_there = TABLES.iter().any(|(name, columns)| *name == table && columns.contains(&column));
        if is_there && let Some(value) = value(&line[at + 1..]) {
            // What SQLite itself refuses (a null where none may be, a key that stands twice) is not there to be read.
            let _ = other.execute(&format!("UPDATE main.{table} SET {column} = ?1"), params![value]);
        }
    }
    other.execute_batch("COMMIT").expect("committed");
}

/// `null`, `i:` and digits, `r:` and a number, `t:` and a text, `b:` and bytes.
fn value(text: &[u8]) -> Option<Value> {
    let (kind, rest) = text.split_at_checked(2)?;
    let number = || std::str::from_utf8(rest).ok();
    Some(match kind {
        b"i:" => Value::Integer(number()?.parse().ok()?),
        b"r:" => Value::Real(number()?.parse().ok()?),
        b"t:" => Value::Text(text::of(rest)),
        b"b:" => Value::Blob(rest.to_vec()),
        b"nu" => Value::Null,
        _ => return None,
    })
}

/// Every call is answered: with what stands there, whole, or with what is wrong with it, and never with a fault of ours.
pub(super) fn rows(input: &[u8]) {
    worlds::real(async {
        let place = place().await;
        spoil(&place.other, input);
        objects(&place.local).await;
        let queue = place.local.queue(&url("jobs"), &QueueSettings::default()).expect("opens");
        let letters = queue.dead_letters().expect("has some");
        for queue in [queue, letters] {
            messages(&queue).await;
        }
        items(&place.local).await;
    });
}

async fn objects(local: &Local) {
    let port = local.bucket(&url("photos")).expect("opens");
    let mut subscriber = Subscriber::new("app-seen");
    subscriber.created = true;
    if let Some(events) = seen(port.events(&subscriber).await) {
        messages(&events).await;
    }
    let bucket = Bucket::new(port);
    seen(bucket.list().collect(10).await);
    seen(bucket.head("a").await);
    if let Some(object) = seen(bucket.get("a").await) {
        content(object).await;
    }
    seen(bucket.copy("a", "b").await);
    seen(bucket.put("a", CONTENT).await);
    seen(bucket.delete("b").await);
}

/// All of the bytes or none.
async fn content(object: Object) {
    if let Some(read) = seen(object.bytes().await) {
        assert_eq!(read, CONTENT);
    }
}

async fn messages(queue: &Arc<dyn MessageQueue>) {
    seen(queue.depth().await);
    let options = ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30));
    for delivery in seen(queue.receive(options).await).unwrap_or_default() {
        assert!(delivery.attempt > 0);
        seen(queue.extend(&delivery.receipt, Duration::from_secs(40)).await);
    }
}

async fn items(local: &Local) {
    let days = days(local);
    seen(days.get(("p", "a")).await);
    seen(days.query("p").collect().await);
    seen(days.put(("p", "a"), &"value".to_owned()).await);
    seen(days.increment(("p", "n"), 1).await);
    let raw: Table<Vec<u8>, Raw> = days.with_type();
    seen(raw.query("p").reverse().page_size(1).collect().await);
    seen(days.sweep().await);
}

fn seen<T>(result: Result<T, Error>) -> Option<T> {
    result
        .inspect_err(|error| {
            sound::error(error);
            assert!(
                !matches!(
                    error.kind(),
                    ErrorKind::Internal
                        | ErrorKind::Unavailable
                        | ErrorKind::Timeout
                        | ErrorKind::Indeterminate
                ),
                "{error:?}"
            );
        })
        .ok()
}
