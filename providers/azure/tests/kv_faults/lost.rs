//! Lost answers, behind core's retries: a write recognises itself, or says that nobody knows.

use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::kv::port::{Increment, ItemCondition, Write};

use crate::server::{Fate, Server, answer, key, refusal, text};

fn create(value: &str) -> Write {
    let mut write = Write::put(key("a"), value.to_owned().into());
    write.condition = ItemCondition::IfAbsent;
    write
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_itself() {
    for mirrored in [false, true] {
        let server = Server::start().await;
        server.lose_writes(1, true);
        let table = server.retried(mirrored);
        let version = table.write(create("\"x\"")).await.expect("created").expect("a version");
        let there = table.get(&key("a")).await.expect("reads").expect("an item");
        assert_eq!((there.version, &*there.value), (version, &b"\"x\""[..]));
        assert_eq!(server.rows.lock().unwrap().names().len(), if mirrored { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_create_that_never_arrived_is_made() {
    let server = Server::start().await;
    server.lose_writes(1, false);
    server.retried(false).write(create("\"x\"")).await.expect("created");
}

#[tokio::test]
async fn a_create_that_was_replaced_is_indeterminate() {
    let server = Server::start().await;
    let rival = server.bare(false);
    let (table, own) = (server.retried(false), server.clone());
    server.fate(move |asked, number| match (asked.method.as_str(), number) {
        ("POST", 0) => {
            // It is applied, and replaced before anybody hears of it.
            let _ = own.rows.lock().unwrap().answer(asked);
            own.rows.lock().unwrap().remove(":a");
            let mut rival = asked.clone();
            rival.body = text(asked).replace("\"w\":\"", "\"w\":\"0000").into();
            let _ = own.rows.lock().unwrap().answer(&rival);
            Fate::Lost
        }
        _ => Fate::Done,
    });
    let error = table.write(create("\"x\"")).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    assert!(rival.get(&key("a")).await.expect("reads").is_some());
}

#[tokio::test]
async fn a_swap_whose_answer_was_lost_finds_itself_and_a_deletion_cannot() {
    let server = Server::start().await;
    let table = server.retried(false);
    let first = table.write(create("1")).await.expect("created").expect("a version");
    let mut swap = Write::put(key("a"), "2".into());
    swap.condition = ItemCondition::IfVersion(first);
    server.lose_writes(1, true);
    let second = table.write(swap).await.expect("swapped").expect("a version");
    assert_eq!(table.get(&key("a")).await.expect("reads").expect("an item").version, second);

    let mut delete = Write::delete(key("a"));
    delete.condition = ItemCondition::IfVersion(second);
    server.lose_writes(1, true);
    let error = table.write(delete).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

#[tokio::test]
async fn an_increment_whose_answer_was_lost_counts_once() {
    let server = Server::start().await;
    let table = server.retried(true);
    for (number, applied) in [(1, true), (2, false), (3, true)] {
        server.lose_writes(1, applied);
        let increment = Increment::new(key("n"), 1, table.info().clock.now());
        let done = table.increment(increment).await.expect("counted");
        let there = table.get(&key("n")).await.expect("reads").expect("a counter");
        assert_eq!((done.value, done.version), (number, there.version));
        // A trace of the same millisecond could be of either.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_finds_itself() {
    let server = Server::start().await;
    let table = server.retried(false);
    let old = table.write(create("1")).await.expect("created").expect("a version");
    let mut first = Write::put(key("a"), "2".into());
    first.condition = ItemCondition::IfVersion(old);
    let mut second = Write::put(key("b"), "2".into());
    second.condition = ItemCondition::IfAbsent;
    server.lose_writes(1, true);
    let versions = table.transact(vec![first, second, Write::delete(key("c"))]).await;
    // The deletion of what is not there was refused first, and nothing was lost of that.
    let versions = versions.expect("applied");
    assert!(versions[0].is_some() && versions[1].is_some() && versions[2].is_none());
    for (place, sort) in [(0, "a"), (1, "b")] {
        let there = table.get(&key(sort)).await.expect("reads").expect("an item");
        assert_eq!(Some(there.version), versions[place]);
    }
}

#[tokio::test]
async fn what_is_throttled_is_repeated_as_often_as_it_may_be_and_told_as_it_is() {
    let server = Server::start().await;
    let table = server.retried(false);
    let busy = |asked: &crate::server::Asked, number: usize| match number {
        0 => {
            assert_eq!(asked.method.as_str(), "POST");
            let mut busy = refusal(503, "ServerBusy", "Slower.");
            busy.headers_mut().insert("retry-after", "0".parse().unwrap());
            Fate::Answered(busy)
        }
        _ => Fate::Done,
    };
    server.fate(busy);
    table.write(create("1")).await.expect("created");
    server.fate(|_, _| Fate::Answered(refusal(503, "ServerBusy", "Slower.")));
    let error = table.write(create("1")).await.expect_err("always busy");
    assert_eq!(error.kind(), ErrorKind::Throttled);
    let error = server.bare(false).get(&key("a")).await.expect_err("always busy");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_a_write_in_doubt_which_is_then_looked_at() {
    let server = Server::start().await;
    let (table, own) = (server.retried(false), server.clone());
    server.fate(move |asked, number| match number {
        0 => {
            // Applied, and the answer has no etag.
            let _ = own.rows.lock().unwrap().answer(asked);
            Fate::Answered(answer(204, ""))
        }
        _ => Fate::Done,
    });
    let version = table.write(create("1")).await.expect("created").expect("a version");
    assert_eq!(table.get(&key("a")).await.expect("reads").expect("an item").version, version);
}

#[tokio::test]
async fn many_writes_tell_of_each_what_became_of_it() {
    let server = Server::start().await;
    let table = server.bare(false);
    table.write(Write::put(key("gone"), "1".into())).await.expect("put");
    server.fate(|asked, _| match asked.target.contains("$batch") {
        true => Fate::Lost,
        false => Fate::Done,
    });
    let writes = [
        Write::put(key("a"), "1".into()),
        Write::delete(key("gone")),
        Write::put(key("b"), "1".into()),
        Write::delete(key("never was")),
    ];
    let results = table.write_many(writes.to_vec()).await;
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(skyport_core::Error::kind)).collect();
    assert_eq!(kinds, [Some(ErrorKind::Unavailable), None, Some(ErrorKind::Unavailable), None]);
    server.take();
    let results = table.write_many(writes[..3].to_vec()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let lines: Vec<String> = server.take().iter().map(crate::server::Asked::line).collect();
    assert!(
        lines.iter().any(|line| line == "POST /acct/$batch"),
        "puts of a partition go together: {lines:?}"
    );
}
