//! Answers that unpack to much more than they are, on every cloud's provider.
//!
//! Alone in its process: what the system tells is the memory of the whole process.
#![allow(clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::kv::port::Key;
use skyport_core::queue::port::ReceiveOptions;
use skyport_hostile::Growth;
use skyport_hostile::clouds::{buckets, object, queues, tables};
use skyport_stub::served;

/// So much memory may an answer cost: the longest that a provider reads, while it is read and copied.
const ROOM: u64 = 400 << 20;

/// What a call failed with, or that it is none that can be read.
fn assert_told(cloud: &str, error: &skyport_core::Error) {
    assert!(matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Unavailable), "{cloud}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_unpacks_what_a_service_sends() {
    // 256 MiB of spaces before an answer that would be a sound one.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..256 {
        packed.write_all(&[b' '; 1 << 20]).expect("packed");
    }
    packed.write_all(b"{}").expect("packed");
    let packed = Bytes::from(packed.finish().expect("packed"));
    let growth = Growth::new();
    let mut tried = 0;
    for coding in ["gzip", "x-gzip", "gzip, gzip"] {
        let sent = packed.clone();
        let (url, _) = served(move |_, _| {
            let mut whole = object(sent.len(), sent.clone());
            whole.headers_mut().insert("content-encoding", coding.parse().expect("a header"));
            whole
        })
        .await;
        for (cloud, bucket) in buckets(&url) {
            tried += 2;
            let error = bucket.list().page().await.expect_err("packed");
            assert_told(cloud, &error);
            // What is stored so is handed over so.
            let read = bucket.get("k").bytes().await.unwrap_or_else(|error| panic!("{cloud}: {error}"));
            assert!(read == packed, "{cloud}: {} bytes of {}", read.len(), packed.len());
        }
        for (cloud, queue) in queues(&url) {
            let asked = ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(60));
            assert_told(cloud, &queue.receive(asked).await.expect_err("packed"));
        }
        for (cloud, table) in tables(&url) {
            assert_told(cloud, &table.get(&Key::new("p", "s")).await.expect_err("packed"));
        }
    }
    growth.assert_below(ROOM, "packed answers");
    let more = growth.figure();
    skyport_figures::record("hostile::packed", &format!("{tried} answers that are packed, {more}"));
}
