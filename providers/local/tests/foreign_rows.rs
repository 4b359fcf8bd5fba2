//! Rows that Skyport did not write: told as such, and no way out of the folder.

#![allow(clippy::expect_used)] // All of this is a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ToSql};
use skyport_core::blob::port::{DeleteOptions, GetOptions, PutOptions};
use skyport_core::kv::port::{Key, Write};
use skyport_core::queue::port::{OutMessage, ReceiveOptions};
use skyport_core::{Error, ErrorKind};
use tempfile::TempDir;

mod common;

use common::open;

/// Writes into the database as another program would.
fn change(folder: &Path, sql: &str, value: &dyn ToSql) {
    let connection = Connection::open(folder.join("skyport.db")).expect("opens");
    connection.busy_timeout(Duration::from_secs(60)).expect("waits");
    assert!(connection.execute(sql, [value]).expect("changed") > 0);
}

/// The files with the contents of objects.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let folders = fs::read_dir(folder.join("blobs")).expect("a folder");
    let inside = folders.flat_map(|inner| fs::read_dir(inner.expect("an entry").path()).expect("a folder"));
    inside.map(|file| file.expect("an entry").path()).collect()
}

fn is_told(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error:?}");
    assert!(error.message().contains("restore"), "{error}");
}

#[tokio::test]
async fn no_row_leads_to_a_file_outside_of_the_folder() {
    let outside = TempDir::new().expect("a folder");
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").expect("written");
    let folder = TempDir::new().expect("a folder");
    let resources = open(folder.path()).await.expect("opens");
    let bucket = &resources.bucket;
    let up = format!("../../..{}", secret.display());
    for path in [secret.to_str().expect("a text"), &up, "", "..", "\u{e9}"] {
        for leave in ["overwritten", "deleted"] {
            bucket.put("cat", "123456".into(), PutOptions::default()).await.expect("put");
            change(folder.path(), "UPDATE objects SET content = ?1", &path);
            is_told(&bucket.get("cat", GetOptions::default()).await.expect_err("not ours"));
            let copied = bucket.copy("cat", "dog", skyport_core::blob::port::CopyOptions::default()).await;
            is_told(&copied.expect_err("not ours"));
            if leave == "deleted" {
                bucket.delete("cat", DeleteOptions::default()).await.expect("deleted");
            } else {
                bucket.put("cat", "654321".into(), PutOptions::default()).await.expect("put");
                assert!(bucket.get("cat", GetOptions::default()).await.is_ok());
            }
        }
    }
    // Files are removed by one thread, in order: once it has removed this one, it has passed all that were named before.
    let before = files(folder.path());
    bucket.put("dog", "1".into(), PutOptions::default()).await.expect("put");
    let new: Vec<PathBuf> = files(folder.path()).difference(&before).cloned().collect();
    bucket.put("dog", "2".into(), PutOptions::default()).await.expect("put");
    while new.iter().any(|file| file.exists()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(new.len(), 1);
    assert_eq!(fs::read(&secret).expect("still there"), b"secret");
}

#[tokio::test]
async fn a_column_of_another_type_is_malformed_and_no_fault_of_ours() {
    let folder = TempDir::new().expect("a folder");
    let resources = open(folder.path()).await.expect("opens");
    resources.bucket.put("cat", "x".into(), PutOptions::default()).await.expect("put");
    change(folder.path(), "UPDATE objects SET size = ?1", &"large");
    is_told(&resources.bucket.head("cat").await.expect_err("no size"));
    change(folder.path(), "UPDATE objects SET size = ?1", &-1);
    is_told(&resources.bucket.head("cat").await.expect_err("no size"));
    let key = Key::new("p", "s");
    resources.table.write(Write::put(key.clone(), "1".into())).await.expect("written");
    change(folder.path(), "UPDATE items SET value = ?1", &7);
    is_told(&resources.table.get(&key).await.expect_err("no value"));
    for sent in resources.queue.send(vec![OutMessage::new("x")]).await {
        sent.expect("sent");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_blocks_no_other_and_goes_to_the_dead_letters() {
    let options = || ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(30));
    for (sql, value, body) in [
        ("UPDATE messages SET body = ?1", &7 as &dyn ToSql, "7"),
        ("UPDATE messages SET attributes = ?1", &"none", "x"),
        ("UPDATE messages SET envelope = ?1", &"none", "x"),
        ("UPDATE messages SET group_name = ?1", &vec![0xff_u8], "x"),
        ("UPDATE messages SET sent_at = ?1", &"yesterday", "x"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let resources = open(folder.path()).await.expect("opens");
        resources.queue.send(vec![OutMessage::new("x")]).await.remove(0).expect("sent");
        change(folder.path(), sql, value);
        resources.queue.send(vec![OutMessage::new("y")]).await.remove(0).expect("sent");
        let dead = resources.queue.dead_letters().expect("it has some");
        for queue in [&resources.queue, &dead] {
            let mut received = Vec::new();
            for _ in 0..3 {
                received.extend(queue.receive(options()).await.expect("goes on"));
            }
            assert_eq!(received.len(), 1, "{sql}");
            if std::ptr::eq(queue, &dead) {
                assert_eq!(&received[0].body[..], body.as_bytes(), "{sql}");
                assert!(
                    received[0].envelope.reason().is_some_and(|reason| reason.contains("damaged")),
                    "{sql}"
                );
            } else {
                assert_eq!(&received[0].body[..], b"y", "{sql}");
            }
        }
    }
}
