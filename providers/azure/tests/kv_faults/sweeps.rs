//! Sweeps: of many answers, of rows that fail, and stopped on the way.

use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, KeyValueStore, Write};
use tokio::sync::Notify;

use crate::server::{Fate, Server, answer, key, refusal};

/// Items that have expired, and one that has not.
async fn fill(table: &dyn KeyValueStore, expired: usize) {
    let past = Some(SystemTime::now() - Duration::from_secs(1));
    for number in 0..expired {
        let change = Change::Put { value: "1".into(), expires: past };
        table.write(Write::new(key(&number.to_string()), change)).await.expect("put");
    }
    table.write(Write::put(key("stays"), "1".into())).await.expect("put");
}

fn by_pages_of_two(server: &Server) {
    let mut rows = server.rows.lock().unwrap();
    (rows.page, rows.empty_pages) = (2, true);
}

#[tokio::test]
async fn a_sweep_follows_every_answer_however_many_are_empty() {
    let server = Server::start().await;
    let table = server.bare(false);
    fill(&*table, 7).await;
    by_pages_of_two(&server);
    server.take();
    // Nothing in the first hundreds of answers.
    server.fate(|_, number| {
        if number > 300 {
            return Fate::Done;
        }
        let mut empty = answer(200, "{\"value\":[]}");
        let mark = |text: String| text.parse().unwrap();
        empty.headers_mut().insert("x-ms-continuation-nextpartitionkey", mark("p".to_owned()));
        empty.headers_mut().insert("x-ms-continuation-nextrowkey", mark(format!("!{number}")));
        Fate::Answered(empty)
    });
    assert_eq!(table.sweep().await.expect("swept"), 7);
    assert_eq!(server.rows.lock().unwrap().names(), [":stays"]);
}

#[tokio::test]
async fn what_fails_with_one_row_is_passed_over() {
    let server = Server::start().await;
    let table = server.bare(false);
    fill(&*table, 7).await;
    by_pages_of_two(&server);
    server.rows.lock().unwrap().put_foreign("not ours", 1);
    server.take();
    server.fate(|asked, _| match asked.line().contains("DELETE /acct/tbl(PartitionKey='p',RowKey=':3')") {
        true => Fate::Answered(refusal(503, "ServerBusy", "Slower.")),
        false => Fate::Done,
    });
    assert_eq!(table.sweep().await.expect("swept"), 6);
    let deletions = server.take().iter().filter(|asked| asked.method == "DELETE").count();
    assert_eq!((deletions, server.rows.lock().unwrap().names().len()), (7, 3));
    assert_eq!(table.sweep().await.expect("swept"), 1, "it is found again");
    assert_eq!(table.sweep().await.expect("swept"), 0, "what is not ours stays, and is no error");
}

#[tokio::test]
async fn where_nothing_can_be_deleted_a_sweep_says_so() {
    for (status, code, kind, deletions) in [
        (403, "AuthorizationPermissionMismatch", ErrorKind::PermissionDenied, 2),
        (503, "ServerBusy", ErrorKind::Throttled, 7),
    ] {
        let server = Server::start().await;
        let table = server.bare(false);
        fill(&*table, 7).await;
        by_pages_of_two(&server);
        server.take();
        server.fate(move |asked, _| match asked.method.as_str() {
            "DELETE" => Fate::Answered(refusal(status, code, "No.")),
            _ => Fate::Done,
        });
        assert_eq!(table.sweep().await.expect_err("none").kind(), kind);
        let tried = server.take().iter().filter(|asked| asked.method == "DELETE").count();
        assert!(tried <= deletions, "{tried}");
        table.sweep().await.expect("swept");
        assert_eq!(server.rows.lock().unwrap().names(), [":stays"]);
    }
}

#[tokio::test]
async fn a_sweep_that_was_stopped_goes_on_from_there_and_counts_all() {
    let server = Server::start().await;
    let table = server.bare(false);
    fill(&*table, 7).await;
    by_pages_of_two(&server);
    server.take();
    let held = std::sync::Arc::new(Notify::new());
    let tell = held.clone();
    // Four are deleted, then nothing is answered any more.
    server.fate(move |asked, _| match asked.target.contains("NextRowKey=*:4") {
        true => {
            tell.notify_one();
            Fate::Held
        }
        false => Fate::Done,
    });
    let stopped = select(table.sweep(), Box::pin(held.notified())).await;
    assert!(matches!(stopped, Either::Right(_)), "it was done");
    drop(stopped);
    server.take();
    assert_eq!(server.rows.lock().unwrap().names(), [":4", ":5", ":6", ":stays"]);
    assert_eq!(table.sweep().await.expect("swept"), 7);
    let asked = server.take();
    assert!(asked[0].target.contains("NextRowKey=*:4"), "{}", asked[0].target);
    assert_eq!(asked.iter().filter(|asked| asked.method == "DELETE").count(), 3);
    // The next one looks through all of it again.
    assert_eq!(table.sweep().await.expect("swept"), 0);
    assert!(!server.take()[0].target.contains("NextRowKey"));
}

#[tokio::test]
async fn an_answer_that_failed_for_a_moment_is_asked_for_again_and_not_what_came_before() {
    let server = Server::start().await;
    let table = server.retried(false);
    fill(&*table, 7).await;
    by_pages_of_two(&server);
    server.take();
    server.fate(|asked, number| match asked.method.as_str() {
        "GET" if (5..8).contains(&number) => Fate::Lost,
        _ => Fate::Done,
    });
    assert_eq!(table.sweep().await.expect("swept"), 7);
    let first = server
        .take()
        .iter()
        .filter(|asked| asked.line().starts_with("GET") && !asked.target.contains("NextRowKey"))
        .count();
    assert_eq!(first, 1);
}
