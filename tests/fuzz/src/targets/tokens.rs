//! What a client hands back, and JSON of any depth.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skyport_core::blob::Bucket;
use skyport_core::blob::port::Etag;
use skyport_core::codec::{Decode, Json};
use skyport_core::http::Request;
use skyport_core::kv::{Table, Version};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::envelope::Envelope;
use skyport_core::queue::port::{QueueSettings, Receipt, Settlement, Verdict};
use skyport_core::schedule::Schedule;
use skyport_core::{Error, ErrorKind, Token, TraceContext};
use skyport_local::{Local, LocalConfig};
use skyport_memory::Memory;
use tempfile::TempDir;

use crate::{sound, text, worlds};

thread_local! {
    static PROVIDERS: OnceCell<Pair> = const { OnceCell::new() };
}

/// Both, with a bucket of three objects, a table of three items and an empty queue, which no input changes; and the folder, which goes with
/// the thread.
type Pair = Arc<([Arc<dyn Provider>; 2], TempDir)>;

fn url(provider: &dyn Provider, name: &str) -> ResourceUrl {
    ResourceUrl::new(provider.name(), name)
}

async fn providers() -> Pair {
    if let Some(pair) = PROVIDERS.with(|place| place.get().cloned()) {
        return pair;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let local = Local::new(LocalConfig::new(folder.path()));
    let all: [Arc<dyn Provider>; 2] = [Arc::new(Memory::builder().seed(7).build()), Arc::new(local)];
    for provider in &all {
        let table = ResourceKind::Table(TableSettings::default());
        let queue = ResourceKind::Queue(QueueSettings::default());
        for (name, kind) in [("photos", ResourceKind::Bucket), ("days", table), ("jobs", queue)] {
            provider.create(&url(&**provider, name), &kind).await.expect("created");
        }
        let bucket = Bucket::new(provider.bucket(&url(&**provider, "photos")).expect("opens"));
        let days = provider.table(&url(&**provider, "days"), &TableSettings::default()).expect("opens");
        let days = Table::<i64>::new(days);
        for key in ["a", "b/c", "b/d"] {
            bucket.put(key, key).await.expect("written");
            days.put(("p", key), &1).await.expect("written");
        }
    }
    let made = Arc::new((all, folder));
    PROVIDERS.with(|place| Arc::clone(place.get_or_init(|| made)))
}

/// What was made up is refused, or leads to what anybody may see; nothing is changed by it.
pub(super) fn handed_back(input: &[u8]) {
    let ([token, receipt, version], rest) = text::lines(input);
    let etag = Etag::new(&text::of(rest));
    worlds::real(async {
        for provider in &providers().await.0 {
            let bucket = Bucket::new(provider.bucket(&url(&**provider, "photos")).expect("opens"));
            let listing = bucket.list().delimiter("/").page_size(1).token(&*token).page().await;
            if let Some(page) = sound::value(listing) {
                assert!(page.entries.iter().all(|entry| ["a", "b/"].contains(&entry.key())));
            }
            let days = provider.table(&url(&**provider, "days"), &TableSettings::default()).expect("opens");
            let days = Table::<i64>::new(days);
            if let Some(page) =
                sound::value(days.query("p").prefix("b").page_size(1).token(&*token).page().await)
            {
                assert!(page.entries.iter().all(|entry| entry.key.sort.starts_with('b')));
            }
            if let Some(version) = sound::value(version.parse::<Version>()) {
                assert_eq!(version.to_string().parse::<Version>().expect("our own"), version);
                refused(days.put(("p", "a"), &2).if_version(&version).await);
            }
            settled(&**provider, &receipt).await;
            let read = bucket.get("a").if_match(&etag).await;
            if let Err(error) = read {
                sound::error(&error);
            }
        }
    });
    if let Ok(token) = version.parse::<Token>() {
        assert_eq!(token.to_string().parse::<Token>().expect("our own"), token);
    }
}

async fn settled(provider: &dyn Provider, receipt: &str) {
    let queue = provider.queue(&url(provider, "jobs"), &QueueSettings::default()).expect("opens");
    let receipt = Receipt::new(receipt);
    for verdict in [Verdict::Ack, Verdict::Retry(Duration::ZERO)] {
        for settled in queue.settle(vec![Settlement::new(receipt.clone(), verdict)]).await {
            refused(settled);
        }
    }
    refused(queue.extend(&receipt, Duration::from_secs(1)).await);
}

/// Nobody can guess it.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.expect_err("made up");
    sound::error(&error);
    let kind = error.kind();
    assert!(
        matches!(kind, ErrorKind::InvalidArgument | ErrorKind::PreconditionFailed | ErrorKind::Malformed),
        "{error}"
    );
}

/// JSON of any depth is read or refused, and what is serialisable is written as it was read.
pub(super) fn json(input: &[u8]) {
    let decoded: Result<Value, Error> = Json::decode(&input.to_vec().into());
    sound::value(decoded);
    let request = Request::new(http::Method::POST, "/", input.to_vec()).expect("a request");
    if let Err(error) = worlds::paused(request.json::<Value>()) {
        sound::error(&error);
    }
    again::<Version>(input);
    again::<Token>(input);
    again::<Etag>(input);
    again::<TraceContext>(input);
    again::<Envelope>(input);
    again::<Schedule>(input);
    again::<ResourceKind>(input);
    again::<QueueSettings>(input);
}

fn again<T: DeserializeOwned + Serialize + PartialEq>(input: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(input) else { return };
    let written = serde_json::to_vec(&read).expect("JSON");
    let again: T = serde_json::from_slice(&written).expect("our own");
    assert!(again == read, "{}", String::from_utf8_lossy(&written));
}
