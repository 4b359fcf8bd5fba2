//! Resumable uploads.

use skyport_gcs::{Fault, Server};

use crate::client::{Answer, JSON, ask, object, put, raw, server, until_closed};

const UNIT: usize = 256 * 1_024;

fn begin(server: &Server, query: &str, headers: &[(&str, &str)]) -> Answer {
    let line = format!("POST /upload/storage/v1/b/bkt/o?uploadType=resumable&name=k{query}");
    ask(server, &line, &[&[JSON], headers].concat(), br#"{"metadata":{"a":"1"}}"#)
}

fn session(server: &Server, query: &str) -> String {
    let begun = begin(server, query, &[("X-Upload-Content-Type", "text/x")]);
    assert_eq!((begun.status, begun.body.len()), (200, 0));
    let location = begun.header("location").to_owned();
    assert!(location.starts_with(&format!("{}/upload/", server.url())), "{location}");
    assert!(location.contains("upload_id="), "{location}");
    location
}

fn send(server: &Server, session: &str, range: &str, body: &[u8]) -> Answer {
    ask(server, &format!("PUT {session}"), &[("Content-Range", range)], body)
}

/// How many bytes an unfinished session has.
fn kept(answer: &Answer) -> usize {
    assert_eq!((answer.status, answer.body.len()), (308, 0), "{}", answer.text());
    match answer.header("range") {
        "" => 0,
        range => range.strip_prefix("bytes=0-").unwrap().parse::<usize>().unwrap() + 1,
    }
}

#[test]
fn chunks_become_an_object_with_the_last_one() {
    let server = server();
    let session = session(&server, "");
    assert_eq!(kept(&send(&server, &session, "bytes */*", b"")), 0);
    let bytes = vec![7; UNIT + 5];
    let range = format!("bytes 0-{}/*", UNIT - 1);
    assert_eq!(kept(&send(&server, &session, &range, &bytes[..UNIT])), UNIT);
    assert_eq!(object(&server, "GET", "k", "").status, 404);
    assert_eq!(kept(&send(&server, &session, "bytes */*", b"")), UNIT);
    let range = format!("bytes {UNIT}-{}/{}", UNIT + 4, UNIT + 5);
    let done = send(&server, &session, &range, &bytes[UNIT..]);
    let resource = done.json();
    assert_eq!(done.status, 200);
    assert_eq!(resource["size"], (UNIT + 5).to_string());
    assert_eq!((&resource["contentType"], &resource["metadata"]["a"]), (&"text/x".into(), &"1".into()));
    // Whoever asks again is told again.
    let again = send(&server, &session, "bytes */*", b"");
    assert_eq!((again.status, again.json()), (200, resource));
    assert_eq!(object(&server, "GET", "k", "?alt=media").body, bytes);
}

#[test]
fn of_a_chunk_that_is_not_the_last_only_whole_units_are_kept() {
    let server = server();
    let session = session(&server, "");
    assert_eq!(kept(&send(&server, &session, "bytes 0-9/*", &[1; 10])), 0);
    let range = format!("bytes 0-{}/*", UNIT + 9);
    assert_eq!(kept(&send(&server, &session, &range, &vec![1; UNIT + 10])), UNIT);
    // Who goes on as if all were there is refused, in text.
    let gap = send(&server, &session, &format!("bytes {}-{}/*", UNIT + 10, 2 * UNIT + 9), &vec![1; UNIT]);
    assert_eq!(gap.status, 503);
    assert!(gap.text().contains("exceeds already uploaded size of 262144 byte(s)"), "{}", gap.text());
    // What is there already is passed over.
    let range = format!("bytes 0-{}/{}", UNIT + 1, UNIT + 2);
    let done = send(&server, &session, &range, &[vec![9; UNIT], vec![2; 2]].concat());
    assert_eq!(done.status, 200);
    let body = object(&server, "GET", "k", "?alt=media").body;
    assert_eq!(body, [vec![1; UNIT], vec![2; 2]].concat());
}

#[test]
fn a_part_of_a_chunk_may_be_kept_or_the_connection_break() {
    let server = server();
    let session = session(&server, "");
    server.on_next("upload_id", Fault::KeepAtMost(UNIT as u64));
    let bytes = vec![3; 3 * UNIT];
    let range = format!("bytes 0-{}/{}", 3 * UNIT - 1, 3 * UNIT);
    assert_eq!(kept(&send(&server, &session, &range, &bytes)), UNIT);
    let path = session.strip_prefix(server.url()).unwrap();
    let mut broken = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", 2 * UNIT);
    broken.push_str(&format!("Content-Range: bytes {UNIT}-{}/{}\r\n\r\n", 3 * UNIT - 1, 3 * UNIT));
    raw(&server, &[broken.as_bytes(), &vec![3; UNIT + 100]].concat());
    assert_eq!(kept(&send(&server, &session, "bytes */*", b"")), 2 * UNIT);
    let range = format!("bytes {}-{}/{}", 2 * UNIT, 3 * UNIT - 1, 3 * UNIT);
    assert_eq!(send(&server, &session, &range, &bytes[..UNIT]).status, 200);
    assert_eq!(object(&server, "GET", "k", "?alt=media").body, bytes);
}

#[test]
fn an_empty_object_and_a_size_said_at_the_end_complete_it() {
    let server = server();
    let empty = session(&server, "");
    assert_eq!(send(&server, &empty, "bytes */0", b"").json()["size"], "0");
    let whole = session(&server, "");
    assert_eq!(ask(&server, &format!("PUT {whole}"), &[], b"abc").json()["size"], "3");
    let late = session(&server, "");
    let range = format!("bytes 0-{}/*", UNIT - 1);
    send(&server, &late, &range, &vec![1; UNIT]);
    assert_eq!(kept(&send(&server, &late, &format!("bytes */{}", UNIT + 1), b"")), UNIT);
    assert_eq!(send(&server, &late, &format!("bytes */{UNIT}"), b"").reason(), "invalid");
}

#[test]
fn conditions_hold_at_the_start_and_again_at_the_end() {
    let server = server();
    let open = session(&server, "&ifGenerationMatch=0");
    put(&server, "k", b"rival", "");
    assert_eq!(begin(&server, "&ifGenerationMatch=0", &[]).reason(), "conditionNotMet");
    let late = send(&server, &open, "bytes 0-2/3", b"abc");
    assert_eq!((late.status, late.reason().as_str()), (412, "conditionNotMet"));
    assert_eq!(object(&server, "GET", "k", "?alt=media").body, b"rival");
}

#[test]
fn a_cancelled_session_is_gone_and_an_unknown_one_was_never_there() {
    let server = server();
    let session = session(&server, "");
    assert_eq!(ask(&server, &format!("DELETE {session}"), &[], b"").status, 499);
    assert_eq!(send(&server, &session, "bytes 0-2/3", b"abc").status, 410);
    let unknown = session.replace("upload_id=session-", "upload_id=session-9");
    assert_eq!(send(&server, &unknown, "bytes 0-2/3", b"abc").status, 404);
    assert_eq!(object(&server, "GET", "k", "").status, 404);
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let server = server();
    let begun = begin(&server, "", &[("X-Upload-Content-Length", "5")]);
    let session = begun.header("location");
    assert_eq!(send(&server, session, "bytes 0-2/3", b"abc").reason(), "invalid");
    assert_eq!(send(&server, session, "bytes 0-2/5", b"ab").reason(), "invalid");
    assert_eq!(send(&server, session, "bytes 0-5/*", b"abcdef").reason(), "invalid");
    assert_eq!(send(&server, session, "bytes x-y/*", b"").reason(), "invalid");
    assert_eq!(send(&server, session, "bytes 0-4/5", b"abcde").status, 200);
}

#[test]
fn an_answer_can_be_hidden_or_never_come() {
    let server = server();
    server.on_next("uploadType=media", Fault::Refuse(503));
    assert_eq!(put(&server, "k", b"a", "").status, 503);
    assert_eq!(object(&server, "GET", "k", "").status, 404);
    server.on_next("uploadType=media", Fault::Hide(502));
    assert_eq!(put(&server, "k", b"a", "").status, 502);
    assert_eq!(object(&server, "GET", "k", "").status, 200);
    server.on_next("DELETE ", Fault::HangUp);
    assert!(until_closed(&server, b"DELETE /storage/v1/b/bkt/o/k HTTP/1.1\r\nHost: x\r\n\r\n").is_empty());
    assert_eq!(object(&server, "GET", "k", "").status, 404);
    assert_eq!(server.asked().last().unwrap(), "GET /storage/v1/b/bkt/o/k");
}
