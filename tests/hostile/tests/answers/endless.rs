//! Answers that never end, and such as unpack to much more than they are.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Key, QueryOptions};
use skyport_core::queue::port::ReceiveOptions;
use skyport_hostile::peak_memory;
use skyport_stub::{Answer, answer, served};

use crate::clouds::{buckets, object, queues, tables};

/// So much memory may an answer cost: the longest that a provider reads, while it is read and copied.
const ROOM: u64 = 400 << 20;

fn assert_bounded(before: Option<u64>, what: &str) {
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        // The system counts roughly: it may have been more before.
        let more = after.saturating_sub(before);
        assert!(more < ROOM, "{what} took {more} bytes");
    }
}

/// What a call failed with, or that it is none that can be read.
fn assert_told(cloud: &str, error: &skyport_core::Error) {
    assert!(matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Unavailable), "{cloud}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_not_read_to_its_end() {
    let before = peak_memory();
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
    assert_bounded(before, "endless answers");
    skyport_figures::record("hostile::endless", &format!("{tried} answers that never end"));
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
    let before = peak_memory();
    for coding in ["gzip", "x-gzip", "gzip, gzip"] {
        let sent = packed.clone();
        let (url, _) = served(move |_, _| {
            let mut whole = object(sent.len(), sent.clone());
            whole.headers_mut().insert("content-encoding", coding.parse().expect("a header"));
            whole
        })
        .await;
        for (cloud, bucket) in buckets(&url) {
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
    assert_bounded(before, "packed answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_any_length_costs_little_and_is_told_in_one_line() {
    let long = "a refusal of many words ".repeat(200_000);
    let (url, _) = served(move |_, _| {
        let xml = format!("<Error><Code>Weird</Code><Message>{long}\r\nnext line</Message></Error>");
        answer(400, xml)
    })
    .await;
    for (cloud, bucket) in buckets(&url) {
        let error = bucket.list().page().await.expect_err("refused");
        let told = error.to_string();
        assert!(told.len() < 4_096 && !told.contains('\n'), "{cloud}: {} bytes", told.len());
        assert!(format!("{error:?}{error:#?}").len() < 16_384, "{cloud}");
    }
}
