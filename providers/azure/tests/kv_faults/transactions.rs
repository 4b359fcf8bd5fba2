//! Transactions as they are sent: conditions by etag, checks that change nothing, the item that failed.

use std::time::{Duration, SystemTime};

use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, ItemCondition, Key, KeyValueStore, RawVersion, Write};

use crate::server::{Fate, Server, key};

async fn put(table: &dyn KeyValueStore, sort: &str, value: &str) -> RawVersion {
    table.write(Write::put(key(sort), value.to_owned().into())).await.expect("put").expect("a version")
}

fn on(mut write: Write, version: &RawVersion) -> Write {
    write.condition = ItemCondition::IfVersion(version.clone());
    write
}

fn absent(mut write: Write) -> Write {
    write.condition = ItemCondition::IfAbsent;
    write
}

fn check(sort: &str) -> Write {
    Write::new(key(sort), Change::Check)
}

#[tokio::test]
async fn a_condition_costs_no_read_where_it_holds() {
    let server = Server::start().await;
    let table = server.bare(false);
    let first = put(&*table, "a", "1").await;
    server.take();
    let second =
        table.write(on(Write::put(key("a"), "2".into()), &first)).await.expect("swapped").expect("a version");
    table
        .transact(vec![
            on(Write::put(key("a"), "3".into()), &second),
            absent(Write::put(key("b"), "3".into())),
        ])
        .await
        .expect("applied");
    let lines: Vec<String> = server.take().iter().map(crate::server::Asked::line).collect();
    assert_eq!(lines, ["PUT /acct/tbl(PartitionKey='p',RowKey=':a')", "POST /acct/$batch"]);
}

#[tokio::test]
async fn checks_move_no_version_and_leave_nothing_behind() {
    let server = Server::start().await;
    let table = server.bare(false);
    let guard = put(&*table, "guard", "1").await;
    for _ in 0..3 {
        table
            .transact(vec![
                on(check("guard"), &guard),
                absent(check("nobody")),
                Write::put(key("a"), "1".into()),
            ])
            .await
            .expect("applied");
        assert_eq!(table.get(&key("guard")).await.expect("reads").expect("an item").version, guard);
    }
    assert_eq!(server.rows.lock().unwrap().names(), [":a", ":guard"]);
    // The version still swaps, though Azure's etag is another.
    table.write(on(Write::put(key("guard"), "2".into()), &guard)).await.expect("swapped");
    let error =
        table.write(on(Write::put(key("guard"), "3".into()), &guard)).await.expect_err("swapped since");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    let stale = vec![Write::put(key("a"), "2".into()), on(check("guard"), &guard)];
    let error = table.transact(stale).await.expect_err("swapped since");
    assert_eq!((error.kind(), error.item()), (ErrorKind::PreconditionFailed, Some(1)));
    assert_eq!(&*table.get(&key("a")).await.expect("reads").expect("an item").value, b"1");
}

#[tokio::test]
async fn a_placeholder_that_stays_is_absent_to_everything_and_swept() {
    let server = Server::start().await;
    let table = server.bare(false);
    // Its deletion never arrives.
    server.fate(|asked, _| match asked.method.as_str() {
        "DELETE" => Fate::Lost,
        _ => Fate::Done,
    });
    table.transact(vec![absent(check("nobody")), Write::put(key("a"), "1".into())]).await.expect("applied");
    server.take();
    assert_eq!(server.rows.lock().unwrap().names(), [":a", ":nobody"]);
    assert!(table.get(&key("nobody")).await.expect("reads").is_none());
    let page = table.query(skyport_core::kv::port::QueryOptions::new("p", 10)).await.expect("reads");
    assert_eq!(page.items.len(), 1);
    table.write(absent(check("nobody"))).await.expect("it is absent");
    table
        .transact(vec![absent(check("nobody")), Write::put(key("a"), "2".into())])
        .await
        .expect("it is absent");
    assert_eq!(table.sweep().await.expect("swept"), 0, "it was no item");
    assert_eq!(server.rows.lock().unwrap().names(), [":a"]);
}

#[tokio::test]
async fn what_has_expired_is_absent_to_conditions_and_kept_until_it_is_swept() {
    let server = Server::start().await;
    let table = server.bare(false);
    let expired =
        Change::Put { value: "1".into(), expires: Some(SystemTime::now() - Duration::from_secs(1)) };
    for sort in ["a", "b"] {
        table.write(Write::new(key(sort), expired.clone())).await.expect("put");
    }
    table.write(absent(Write::put(key("a"), "2".into()))).await.expect("it is absent");
    assert_eq!(&*table.get(&key("a")).await.expect("reads").expect("an item").value, b"2");
    table
        .transact(vec![Write::delete(key("b")), absent(check("b ")), Write::put(key("c"), "3".into())])
        .await
        .expect("applied");
    table.write(Write::new(key("b"), expired)).await.expect("put");
    assert_eq!(table.sweep().await.expect("swept"), 1);
    assert_eq!(server.rows.lock().unwrap().names(), [":a", ":c"]);
}

#[tokio::test]
async fn versions_that_nobody_gave_are_of_no_item_and_are_not_sent() {
    let server = Server::start().await;
    let table = server.bare(false);
    put(&*table, "a", "1").await;
    server.take();
    for text in ["", "x", "a..b\r\nx-evil: 1", "a.zz.b"] {
        let error = table.write(on(Write::delete(key("a")), &RawVersion::new(text))).await.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    }
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn the_largest_transaction_fits_into_a_request() {
    let server = Server::start().await;
    let table = server.bare(false);
    let limits = table.info().limits;
    let long = "\0".repeat(limits.partition_bytes);
    let value = vec![0xff; limits.transact_bytes / limits.transact_items];
    let writes = (0..limits.transact_items).map(|number| {
        let sort = format!("{}{number:03}", "\0".repeat(limits.sort_bytes - 3));
        absent(Write::put(Key::new(long.as_str(), sort), value.clone().into()))
    });
    table.transact(writes.collect()).await.expect("applied");
    let mut most = Write::put(Key::new(long.as_str(), long.as_str()), vec![0xff; limits.value_bytes].into());
    most.condition = ItemCondition::IfAbsent;
    table.write(most).await.expect("put");
}

#[tokio::test]
async fn of_a_condition_that_does_not_hold_that_item_alone_is_read() {
    let server = Server::start().await;
    let table = server.bare(true);
    let version = put(&*table, "b", "1").await;
    put(&*table, "b", "2").await;
    server.take();
    let mut writes: Vec<Write> =
        (0..20).map(|number| absent(Write::put(key(&format!("a{number}")), "1".into()))).collect();
    writes.push(on(check("b"), &version));
    let error = table.transact(writes).await.expect_err("another version");
    assert_eq!((error.kind(), error.item()), (ErrorKind::PreconditionFailed, Some(20)));
    let lines: Vec<String> = server.take().iter().map(crate::server::Asked::line).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_service_that_misses_every_mirror_is_not_asked_for_ever() {
    let server = Server::start().await;
    let table = server.bare(true);
    // The second operation is that on the mirror, whatever it does.
    server.fate(|asked, _| {
        if asked.method != "POST" {
            return Fate::Done;
        }
        let told = r#"{"odata.error":{"code":"ResourceNotFound","message":{"lang":"en-US","value":"1:No."}}}"#;
        let body = format!(
            "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 404 No\r\n\r\n{told}\r\n--c--\r\n--b--\r\n"
        );
        let answer = http::Response::builder().status(202).header("content-type", "multipart/mixed; boundary=b");
        Fate::Answered(answer.body(body.into()).unwrap())
    });
    let error = table.write(Write::put(key("a"), "1".into())).await.expect_err("never");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(server.take().len() < 30);
}

#[tokio::test]
async fn a_placeholder_that_another_left_is_taken_away_and_one_that_was_taken_over_keeps_no_other() {
    let server = Server::start().await;
    let table = server.bare(false);
    server.fate(|asked, _| match asked.method.as_str() {
        "DELETE" => Fate::Lost,
        _ => Fate::Done,
    });
    table.transact(vec![absent(check("old")), Write::put(key("a"), "1".into())]).await.expect("applied");
    server.take();
    table.transact(vec![absent(check("old")), Write::put(key("a"), "2".into())]).await.expect("applied");
    assert_eq!(server.rows.lock().unwrap().names(), [":a"]);
    // One of three is taken over, and released, by another before.
    let own = server.clone();
    server.fate(move |_, number| {
        if number == 1 {
            own.rows.lock().unwrap().remove(":y");
        }
        Fate::Done
    });
    let checks = ["x", "y", "z"].map(|sort| absent(check(sort)));
    table.transact(checks.to_vec()).await.expect("applied");
    assert_eq!(server.rows.lock().unwrap().names(), [":a"]);
}
