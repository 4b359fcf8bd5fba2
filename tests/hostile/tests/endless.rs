//! Answers that never end, on every cloud's provider.
//!
//! Alone in its process: what the system tells is the memory of the whole process.
#![allow(clippy::expect_used, clippy::panic)]

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Key, QueryOptions};
use skyport_core::queue::port::ReceiveOptions;
use skyport_hostile::Growth;
use skyport_hostile::clouds::{buckets, queues, tables};
use skyport_stub::{Answer, served};

/// So much memory may an answer cost: the longest that a provider reads, while it is read and copied.
const ROOM: u64 = 400 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_not_read_to_its_end() {
    let growth = Growth::new();
    let mut tried = 0;
    for (status, piece) in [(200, "<a>"), (200, " "), (200, "[["), (200, "x"), (403, "x"), (500, "x")] {
        let piece = piece.repeat((256 << 10) / piece.len());
        let (url, _) = served(move |_, _| {
            let piece = Bytes::from(piece.clone());
            Answer::Endless(Response::builder().status(status).body(piece).expect("an answer"))
        })
        .await;
        for (cloud, bucket) in buckets(&url) {
            tried += 2;
            let error = bucket.list().page().await.expect_err("endless");
            assert!(status != 200 || error.kind() == ErrorKind::Malformed, "{cloud}: {status}: {error}");
            // Nothing of it is an object: it has no etag, and no length.
            assert!(bucket.get("k").bytes().await.is_err(), "{cloud}");
        }
        for (cloud, queue) in queues(&url) {
            tried += 1;
            let asked = ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(60));
            let error = queue.receive(asked).await.expect_err("endless");
            assert!(status != 200 || error.kind() == ErrorKind::Malformed, "{cloud}: {status}: {error}");
        }
        for (cloud, table) in tables(&url) {
            tried += 2;
            let error = table.get(&Key::new("p", "s")).await.expect_err("endless");
            assert!(status != 200 || error.kind() == ErrorKind::Malformed, "{cloud}: {status}: {error}");
            assert!(table.query(QueryOptions::new("p", 10)).await.is_err(), "{cloud}");
        }
    }
    growth.assert_below(ROOM, "endless answers");
    let more = growth.figure();
    skyport_figures::record("hostile::endless", &format!("{tried} answers that never end, {more}"));
}
