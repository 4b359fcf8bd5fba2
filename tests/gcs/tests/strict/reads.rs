//! Reads: ranges, stored encodings, and what is told beside the bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{ask, multipart, object, put, raw, server};

const MEDIA: &str = "GET /storage/v1/b/bkt/o/k?alt=media";

#[test]
fn a_range_is_held_to_the_object() {
    let server = server();
    put(&server, "k", b"0123456789", "");
    for (range, body, place) in [
        ("bytes=2-4", &b"234"[..], "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ] {
        let answer = ask(&server, MEDIA, &[("Range", range)], b"");
        assert_eq!((answer.status, &answer.body[..]), (206, body), "{range}");
        assert_eq!(answer.header("content-range"), place);
    }
    let beyond = ask(&server, MEDIA, &[("Range", "bytes=10-")], b"");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */10"));
    assert_eq!(ask(&server, MEDIA, &[("Range", "nonsense")], b"").status, 200);
}

#[test]
fn bytes_come_with_what_is_known_of_the_object() {
    let server = server();
    let made =
        multipart(&server, r#"{"name":"k","contentType":"text/x","metadata":{"a":"1"}}"#, b"123456789");
    let answer = ask(&server, MEDIA, &[], b"");
    assert_eq!(answer.header("x-goog-generation"), made.json()["generation"].as_str().unwrap());
    assert_eq!(answer.header("x-goog-metageneration"), "1");
    assert_eq!(answer.header("x-goog-stored-content-length"), "9");
    assert_eq!(answer.header("x-goog-stored-content-encoding"), "identity");
    assert_eq!(answer.header("x-goog-hash"), "crc32c=4waSgw==");
    assert_eq!(answer.header("etag"), made.json()["etag"].as_str().unwrap());
    assert_eq!(answer.header("content-type"), "text/x");
    assert!(answer.header("last-modified").ends_with(" GMT"));
    assert_eq!(answer.header("x-goog-meta-a"), "");
}

#[test]
fn gzip_is_decoded_for_who_does_not_accept_it() {
    let server = server();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"plain text").unwrap();
    let stored = encoder.finish().unwrap();
    multipart(&server, r#"{"name":"k","contentEncoding":"gzip"}"#, &stored);
    let decoded = ask(&server, MEDIA, &[("Range", "bytes=0-3")], b"");
    assert_eq!((decoded.status, &decoded.body[..]), (200, &b"plain text"[..]));
    assert_eq!(decoded.header("content-encoding"), "");
    assert_eq!(decoded.header("x-goog-stored-content-encoding"), "gzip");
    assert_eq!(decoded.header("x-goog-stored-content-length"), stored.len().to_string());
    for accepted in ["gzip", "br, gzip;q=0.5"] {
        let answer = ask(&server, MEDIA, &[("Accept-Encoding", accepted), ("Range", "bytes=0-3")], b"");
        assert_eq!((answer.status, &answer.body[..]), (206, &stored[..4]), "{accepted}");
        assert_eq!(answer.header("content-encoding"), "gzip");
    }
    let refused = ask(&server, MEDIA, &[("Accept-Encoding", "gzip;q=0")], b"");
    assert_eq!(refused.body, b"plain text");
}

#[test]
fn what_is_not_there_is_told_as_text_where_bytes_were_asked_for() {
    let server = server();
    let absent = object(&server, "GET", "none", "?alt=media");
    assert_eq!((absent.status, absent.text().as_str()), (404, "No such object: bkt/none"));
    assert!(absent.header("content-type").starts_with("text/html"));
    assert_eq!(object(&server, "GET", "none", "").reason(), "notFound");
    let no_bucket = ask(&server, "GET /storage/v1/b/other/o/k?alt=media", &[], b"");
    assert_eq!(no_bucket.text(), "The specified bucket does not exist.");
}

#[test]
fn nonsense_is_refused_and_the_server_goes_on() {
    let server = server();
    for line in [
        "GET /%ff",
        "GET /storage/v1/b/bkt/o/a/b",
        "PUT /storage/v1/b/bkt",
        "GET /",
        "POST /upload/storage/v1/b/bkt/o",
    ] {
        let answer = ask(&server, line, &[], b"");
        assert!((400..500).contains(&answer.status), "{line}: {}", answer.status);
    }
    raw(&server, b"nonsense\r\n\r\n");
    raw(&server, b"POST /upload/storage/v1/b/bkt/o?uploadType=media&name=k HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(object(&server, "GET", "k", "").status, 404);
    assert_eq!(put(&server, "k", b"a", "").status, 200);
}
