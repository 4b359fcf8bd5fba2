//! A damaged database is refused and left as it is.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Http, until, within};

const LIMIT: Duration = Duration::from_secs(60);

/// The database in a data folder.
const FILE: &str = "skyport.db";

/// Each file of a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).expect("a file"));
        }
    }
    all
}

/// A folder with photos in it, whose database then has nonsense from `at` on, as a part of its size.
async fn damaged(at: impl Fn(u64) -> u64) -> Data {
    let data = Data::new();
    let server = Example::new("photos").data(data.path()).start().await;
    for number in 0..5 {
        let url = server.url(&format!("/photos/{number}.jpg"));
        Http::new().put(&url, jpeg_of(number)).await.assert_status(201);
    }
    server.stop().await;
    // What the log beside the database holds would mend the damage: the last to close the database empties it.
    let open = data.open();
    open.bucket("photos-originals").delete("4.jpg").await.expect("deleted");
    drop(open);
    let log = data.path().join(format!("{FILE}-wal"));
    until("the log is gone", Duration::from_secs(20), async || !log.exists()).await;
    let mut file = OpenOptions::new().write(true).open(data.path().join(FILE)).expect("the database");
    let size = file.metadata().expect("its size").len();
    assert!(size > 16 << 10, "{size} bytes");
    file.seek(SeekFrom::Start(at(size))).expect("seeks");
    file.write_all(&[0x5a; 8 << 10]).expect("writes");
    data
}

/// Starting fails, in one line that names the file, and nothing is written.
async fn assert_refused(data: &Data) {
    let before = contents(data.path());
    let refused = Example::new("photos").data(data.path()).run().await.assert_code(1);
    let file = data.path().join(FILE).display().to_string();
    let lines: Vec<&str> = refused.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", refused.stderr);
    assert!(lines[0].contains(&file), "{}", refused.stderr);
    assert!(!lines[0].contains('{'), "for people, not for programmers: {}", refused.stderr);
    let after = contents(data.path());
    // An index of the log and an empty log may have come: SQLite looks there, too.
    let kept = |all: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        all.clone()
            .into_iter()
            .filter(|(name, bytes)| !(name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty()))
            .collect()
    };
    assert!(kept(&before) == kept(&after), "{:?} became {:?}", before.keys(), after.keys());
}

#[tokio::test]
async fn a_database_with_nonsense_at_its_beginning_is_refused_and_kept() {
    within(LIMIT, async { assert_refused(&damaged(|_| 0).await).await }).await;
}

#[tokio::test]
async fn a_database_with_nonsense_in_its_middle_is_refused_and_kept() {
    within(LIMIT, async { assert_refused(&damaged(|size| size / 2).await).await }).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    within(LIMIT, async {
        let data = Data::new();
        fs::write(data.path().join(FILE), "Dear diary, today I wrote a file.\n".repeat(100)).expect("writes");
        assert_refused(&data).await;
    })
    .await;
}
