//! Answers that are none: nothing is believed that cannot be read, and no more is read than can be.

use bytes::Bytes;
use http::Response;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{QueryOptions, Write};

use crate::server::{Fate, Server, answer, key};

/// A part of what never ends.
const PART: usize = 1 << 20;

#[tokio::test]
async fn what_is_no_entity_is_malformed() {
    let server = Server::start().await;
    let table = server.bare(false);
    let deep = format!("{{\"v0\":{}", "[".repeat(100_000));
    for body in ["", "<html>", "[]", "{}", "{\"value\":7}", "{\"Timestamp\":\"never\"}", deep.as_str()] {
        let body = body.to_owned();
        server.fate(move |_, _| Fate::Answered(answer(200, body.clone())));
        let error = table.get(&key("a")).await.expect_err("no entity");
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, false), "{error}");
        if table.query(QueryOptions::new("p", 5)).await.is_ok() {
            panic!("it is no list");
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let server = Server::start().await;
    let table = server.bare(false);
    server.fate(|_, _| Fate::Endless(answer(200, vec![b' '; PART])));
    let error = table.get(&key("a")).await.expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    let error = table.query(QueryOptions::new("p", 100)).await.expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    server.fate(|_, _| Fate::Endless(answer(500, vec![b' '; PART])));
    let error = table.get(&key("a")).await.expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_answer_to_a_transaction_that_is_none_leaves_it_in_doubt() {
    let server = Server::start().await;
    let table = server.bare(false);
    let part = "--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\nETag: W/\"datetime'1'\"\r\n\r\n\r\n";
    let whole = |parts: &str| {
        format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{parts}--c--\r\n--b--\r\n")
    };
    let without_etag = part.replace("ETag", "X");
    let bodies = [
        String::new(),
        "{}".to_owned(),
        whole(""),
        whole(part),
        whole(&part.repeat(3)),
        whole(&format!("{part}{without_etag}")),
        whole(&part.repeat(2)).replace("--b--", ""),
    ];
    for (body, kind) in bodies
        .iter()
        .map(|body| (body.clone(), "multipart/mixed; boundary=b"))
        .chain([(whole(&part.repeat(2)), "text/plain")])
    {
        let answered = body.clone();
        server.fate(move |_, _| {
            let body = Bytes::from(answered.clone());
            Fate::Answered(Response::builder().status(202).header("content-type", kind).body(body).unwrap())
        });
        let writes = vec![Write::put(key("a"), "1".into()), Write::put(key("b"), "1".into())];
        let error = table.transact(writes).await.expect_err("no answer");
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, true), "{body}");
    }
}

#[tokio::test]
async fn an_error_tells_nothing_of_what_azure_wrote() {
    let server = Server::start().await;
    let table = server.bare(false);
    server
        .fate(|_, _| Fate::Answered(crate::server::refusal(403, "AuthorizationFailure", "secret-of-azure")));
    let error = table.get(&key("a")).await.expect_err("forbidden");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        !error.to_string().contains("secret-of-azure") && !format!("{error:?}").contains("secret-of-azure"),
        "{error:?}"
    );
}
