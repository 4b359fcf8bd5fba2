//! A data folder that is damaged: told at the start, with the file's name and what to do, and left as it is.

#![allow(clippy::expect_used)] // All of this is a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use skyport_core::blob::port::PutOptions;
use skyport_core::kv::port::{Key, Write};
use skyport_core::queue::port::{OutMessage, ReceiveOptions};
use skyport_core::{Error, ErrorKind, Result};
use tempfile::TempDir;

mod common;

use common::open;

const DATABASE: &str = "skyport.db";
const LOG: &str = "skyport.db-wal";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The bytes of every file, but for what SQLite makes to look into a database: its locks, and a log that is empty.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        if path.ends_with("skyport.db-shm") || (path.ends_with(LOG) && bytes.is_empty()) {
            continue;
        }
        files.insert(path, bytes);
    }
    files
}

async fn refused(folder: &Path, kind: ErrorKind, file: &str) -> Error {
    let before = files(folder);
    let error = open(folder).await.map(drop).expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(file), "{error}");
    assert!(files(folder) == before, "a file was changed, made or removed");
    error
}

/// A folder with content whose processes have ended: the log is in the database file.
async fn used() -> TempDir {
    let folder = folder();
    let resources = open(folder.path()).await.expect("opens");
    for index in 0..200 {
        let write = Write::put(Key::new("p", index.to_string()), vec![b'x'; 2_000].into());
        resources.table.write(write).await.expect("written");
    }
    resources.bucket.put("cat", "x".into(), PutOptions::default()).await.expect("put");
    drop(resources);
    let log = folder.path().join(LOG);
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while log.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    ended.await.expect("the writer ends with its last handle");
    folder
}

/// As a process leaves a folder that is killed: what was written last is in the log.
async fn killed() -> TempDir {
    let (source, copy) = (folder(), folder());
    let resources = open(source.path()).await.expect("opens");
    resources.bucket.put("cat", "x".into(), PutOptions::default()).await.expect("put");
    resources.table.write(Write::put(Key::new("p", "s"), "1".into())).await.expect("written");
    for (path, bytes) in files(source.path()) {
        let target = copy.path().join(path.strip_prefix(source.path()).expect("below"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("made");
        fs::write(target, bytes).expect("copied");
    }
    fs::create_dir_all(copy.path().join("tmp")).expect("made");
    copy
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = used().await;
    let letter = b"this is a letter to my mother, not a database. ".repeat(300);
    fs::write(folder.path().join(DATABASE), letter).expect("written");
    let error = refused(folder.path(), ErrorKind::Malformed, DATABASE).await;
    assert!(error.message().contains("nothing was overwritten"), "{error}");
    assert!(error.message().contains("backup"), "it says what to do: {error}");
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let whole = used().await;
    let bytes = fs::read(whole.path().join(DATABASE)).expect("a file");
    let middle = bytes.len() / 2;
    for damaged in [0..100, 100..2_000, middle..middle + 20_000] {
        let mut bytes = bytes.clone();
        bytes[damaged].fill(0xa5);
        fs::write(whole.path().join(DATABASE), bytes).expect("written");
        refused(whole.path(), ErrorKind::Malformed, DATABASE).await;
    }
    // The same folder with its own file again is as it was.
    fs::write(whole.path().join(DATABASE), bytes).expect("written");
    let resources = open(whole.path()).await.expect("opens");
    assert!(resources.table.get(&Key::new("p", "199")).await.expect("read").is_some());
}

#[tokio::test]
async fn a_database_that_was_cut_short_is_refused_and_left_as_it_is() {
    let folder = used().await;
    let bytes = fs::read(folder.path().join(DATABASE)).expect("a file");
    for size in [bytes.len() / 2, bytes.len() - 4_096, 1_000, 0] {
        fs::write(folder.path().join(DATABASE), &bytes[..size]).expect("written");
        refused(folder.path(), ErrorKind::Malformed, DATABASE).await;
    }
}

#[tokio::test]
async fn a_lost_database_beside_blobs_is_no_new_folder() {
    let folder = used().await;
    fs::remove_file(folder.path().join(DATABASE)).expect("removed");
    let error = refused(folder.path(), ErrorKind::Malformed, DATABASE).await;
    assert!(error.message().contains("missing or empty"), "{error}");
}

#[tokio::test]
async fn a_log_that_is_none_is_refused_and_left_as_it_is() -> Result<()> {
    let folder = killed().await;
    let log = folder.path().join(LOG);
    let bytes = fs::read(&log).expect("a log");
    assert!(!bytes.is_empty(), "what was written last is in the log");
    fs::write(&log, b"garbage ".repeat(bytes.len() / 8)).expect("written");
    refused(folder.path(), ErrorKind::Malformed, LOG).await;
    // The same folder with its own log again has all that was written.
    fs::write(&log, bytes).expect("written");
    let resources = open(folder.path()).await?;
    assert!(resources.table.get(&Key::new("p", "s")).await?.is_some());
    assert_eq!(resources.bucket.head("cat").await?.size, 1);
    Ok(())
}

#[tokio::test]
async fn a_folder_in_the_database_s_place_is_told() {
    let folder = folder();
    fs::create_dir_all(folder.path().join(DATABASE)).expect("made");
    for made in ["tmp", "blobs"] {
        fs::create_dir_all(folder.path().join(made)).expect("made");
    }
    refused(folder.path(), ErrorKind::Unavailable, DATABASE).await;
}

#[tokio::test]
async fn a_file_in_the_data_folder_s_place_is_told() {
    let folder = folder();
    let file = folder.path().join("data");
    fs::write(&file, "a file").expect("written");
    let error = open(&file).await.map(drop).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.message().contains("data") && error.message().contains("another data folder"), "{error}");
    assert_eq!(fs::read(&file).expect("a file"), b"a file");
}

#[tokio::test]
async fn databases_of_others_and_of_later_versions_are_refused() {
    for (sql, word) in [
        ("CREATE TABLE guests (name TEXT)", "another program"),
        ("PRAGMA application_id = 1399552336; PRAGMA user_version = 99; CREATE TABLE t (a)", "later version"),
    ] {
        let folder = folder();
        let foreign = rusqlite::Connection::open(folder.path().join(DATABASE)).expect("opens");
        foreign.execute_batch(sql).expect("made");
        drop(foreign);
        let error = refused(folder.path(), ErrorKind::Malformed, DATABASE).await;
        assert!(error.message().contains(word), "{error}");
    }
}

/// What a content file lacks is told when it is read, and other objects are as they were.
#[tokio::test]
async fn a_content_file_that_is_gone_or_cut_short_is_told() -> Result<()> {
    let folder = folder();
    let resources = open(folder.path()).await?;
    for key in ["gone", "short", "whole"] {
        let bytes = key.repeat(50_000).into_bytes();
        let etag = resources.bucket.put(key, bytes.into(), PutOptions::default()).await?.etag;
        let file = folder.path().join("blobs").join(&etag.as_str()[..2]).join(etag.as_str());
        match key {
            "gone" => fs::remove_file(file).expect("removed"),
            "short" => fs::OpenOptions::new().write(true).open(file).and_then(|f| f.set_len(9)).expect("cut"),
            _ => {}
        }
    }
    let read = async |key: &'static str| match resources.bucket.get(key, Default::default()).await? {
        skyport_core::blob::port::GetResult::Found { body, .. } => body.collect(1 << 20).await,
        other => panic!("{other:?}"),
    };
    for key in ["gone", "short"] {
        let error = read(key).await.expect_err(key);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.message().contains("restore"), "{error}");
    }
    assert_eq!(read("whole").await?.len(), 250_000);
    let received = ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(1));
    resources.queue.send(vec![OutMessage::new("job")]).await.remove(0)?;
    assert_eq!(resources.queue.receive(received).await?.len(), 1, "all else goes on");
    Ok(())
}
