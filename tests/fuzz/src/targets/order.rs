//! Two keys on the providers of this machine: what is written is found, in order.

use std::cell::OnceCell;
use std::sync::Arc;

use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_local::{Local, LocalConfig};
use skyport_memory::Memory;
use tempfile::TempDir;

use crate::{sound, text, worlds};

thread_local! {
    static PROVIDERS: OnceCell<Pair> = const { OnceCell::new() };
}

/// Both, with a bucket and a table that are empty between inputs; and the folder, which goes with the thread.
type Pair = Arc<([Arc<dyn Provider>; 2], TempDir)>;

async fn providers() -> Pair {
    if let Some(pair) = PROVIDERS.with(|place| place.get().cloned()) {
        return pair;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let local = Local::new(LocalConfig::new(folder.path()));
    let all: [Arc<dyn Provider>; 2] = [Arc::new(Memory::new()), Arc::new(local)];
    for provider in &all {
        let table = ResourceKind::Table(TableSettings::default());
        for (name, kind) in [("photos", ResourceKind::Bucket), ("days", table)] {
            provider.create(&url(&**provider, name), &kind).await.expect("created");
        }
    }
    let made = Arc::new((all, folder));
    PROVIDERS.with(|place| Arc::clone(place.get_or_init(|| made)))
}

fn url(provider: &dyn Provider, name: &str) -> ResourceUrl {
    ResourceUrl::new(provider.name(), name)
}

/// Keys that are taken are listed in the order of their bytes, and their objects are what was written; all providers take the same.
pub(super) fn objects(input: &[u8]) {
    let ([one], rest) = text::lines(input);
    let keys = [one, text::of(rest)];
    worlds::real(async {
        let mut taken = Vec::new();
        for provider in &providers().await.0 {
            let bucket = Bucket::new(provider.bucket(&url(&**provider, "photos")).expect("opens"));
            let mut written: Vec<String> = Vec::new();
            for key in &keys {
                if sound::value(bucket.put(key, key.clone()).await).is_some() {
                    written.push(key.clone());
                }
            }
            written.sort();
            written.dedup();
            let listed = bucket.list().page_size(1).collect(10).await.expect("listed");
            assert_eq!(listed.iter().map(|entry| entry.key()).collect::<Vec<_>>(), written);
            for key in &written {
                let read = bucket.get(key).await.expect("there").bytes().await.expect("whole");
                assert_eq!(read, key.as_bytes());
                let prefix = &key[..key.floor_char_boundary(key.len() / 2)];
                let page = bucket.list().prefix(prefix).delimiter("/").page().await.expect("listed");
                assert!(page.entries.iter().all(|entry| entry.key().starts_with(prefix)));
                bucket.delete(key).await.expect("deleted");
            }
            assert!(bucket.list().page().await.expect("listed").entries.is_empty());
            taken.push(written);
        }
        assert_eq!(taken[0], taken[1]);
    });
}

/// As [`objects`], of a partition's items; and of a range only what is in it.
pub(super) fn items(input: &[u8]) {
    let ([one], rest) = text::lines(input);
    let keys = [one, text::of(rest)];
    worlds::real(async {
        for provider in &providers().await.0 {
            let port = provider.table(&url(&**provider, "days"), &TableSettings::default()).expect("opens");
            let table = Table::<String>::new(port);
            let mut written: Vec<String> = Vec::new();
            for key in &keys {
                if sound::value(table.put(("p", key), key).await).is_some() {
                    written.push(key.clone());
                }
            }
            written.sort();
            written.dedup();
            let entries = table.query("p").page_size(1).collect().await.expect("queried");
            assert_eq!(entries.iter().map(|entry| entry.value.clone()).collect::<Vec<_>>(), written);
            let backwards = table.query("p").reverse().collect().await.expect("queried");
            assert!(backwards.iter().rev().map(|entry| &entry.value).eq(written.iter()));
            if let [first, .., last] = &written[..] {
                let between =
                    table.query("p").range(first.as_str()..last.as_str()).collect().await.expect("queried");
                assert!(between.iter().map(|entry| &entry.value).eq([first]));
            }
            for key in &written {
                let prefix = &key[..key.floor_char_boundary(key.len() / 2)];
                let found = table.query("p").prefix(prefix).collect().await.expect("queried");
                assert!(found.iter().any(|entry| entry.value == *key));
                table.delete(("p", key)).await.expect("deleted");
            }
            assert!(table.query("p").collect().await.expect("queried").is_empty());
        }
    });
}
