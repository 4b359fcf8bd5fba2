//! Lost answers, behind core's retries: a write recognises itself, or says that nobody knows.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::{Either, select};
use skyport_core::kv::port::{Increment, ItemCondition, Write};
use skyport_core::{ErrorKind, Token};
use tokio::sync::Notify;

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
async fn increments_that_wait_for_each_other_go_together_and_only_the_last_has_the_version_that_is_there() {
    let server = Server::start().await;
    let table = server.bare(false);
    let add = |_| table.increment(Increment::new(key("n"), 1, table.info().clock.now()));
    let done = futures_util::future::join_all((0..50).map(add)).await;
    let mut done: Vec<_> = done.into_iter().map(|done| done.expect("counted")).collect();
    done.sort_by_key(|done| done.value);
    assert_eq!(done.iter().map(|done| done.value).collect::<Vec<_>>(), (1..=50).collect::<Vec<i64>>());
    let requests = server.take().len();
    assert!(requests < 30, "{requests} requests");
    let versions: std::collections::HashSet<_> = done.iter().map(|done| done.version.clone()).collect();
    assert_eq!(versions.len(), 50);
    let there = table.get(&key("n")).await.expect("reads").expect("a counter").version;
    let last = done.pop().expect("fifty");
    assert_eq!(last.version, there);
    for stale in done {
        let mut write = Write::put(key("n"), "0".into());
        write.condition = ItemCondition::IfVersion(stale.version);
        let error = table.write(write).await.expect_err("others came after it");
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    }
}

/// Two increments go together in one write, of which this becomes; then the one that sent it is dropped. From then on `later` becomes of
/// all requests. What the other was told, and what the counter holds in the end.
async fn with_a_companion_that_is_dropped(
    sent: fn() -> Fate,
    later: fn() -> Fate,
) -> (skyport_core::Result<i64>, i64) {
    let server = Server::start().await;
    let table = server.bare(false);
    let start = table.info().clock.now();
    let add = |bits| {
        let mut increment = Increment::new(key("n"), 1, start);
        // Each has a slot of its own.
        increment.token = Token::from_bits(bits);
        table.increment(increment)
    };
    // One that goes alone, so that the two after it wait for each other.
    let (mut alone, mut leader, mut companion) = (add(1), add(2), add(3));
    for waiting in [&mut alone, &mut leader, &mut companion] {
        assert!(futures_util::poll!(waiting).is_pending());
    }
    alone.await.expect("counted");
    server.take();
    let (arrived, tell) = (std::sync::Arc::new(Notify::new()), Mutex::new(true));
    let told = arrived.clone();
    server.fate(move |asked, _| {
        if asked.method == "PUT" && std::mem::take(&mut *tell.lock().unwrap()) {
            let fate = sent();
            told.notify_one();
            return fate;
        }
        later()
    });
    let stopped = select(leader, Box::pin(arrived.notified())).await;
    let Either::Right((_, leader)) = stopped else { panic!("it was told") };
    assert!(futures_util::poll!(&mut companion).is_pending(), "it was taken along");
    drop(leader);
    let told = companion.await.map(|done| done.value);
    server.take();
    let there = table.get(&key("n")).await.expect("reads").expect("a counter");
    (told, String::from_utf8_lossy(&there.value).parse().expect("a number"))
}

#[tokio::test]
async fn an_increment_whose_companion_was_dropped_on_the_way_counts_once() {
    // What was sent has arrived: it finds itself.
    let (told, sum) = with_a_companion_that_is_dropped(|| Fate::AnswerHeld, || Fate::Done).await;
    assert_eq!((told.expect("counted"), sum), (3, 3));
    // It has not: the other counts alone.
    let (told, sum) = with_a_companion_that_is_dropped(|| Fate::Held, || Fate::Done).await;
    assert_eq!((told.expect("counted"), sum), (2, 2));
}

#[tokio::test]
async fn an_increment_whose_companion_was_dropped_is_in_doubt_whatever_is_said_of_it_later() {
    let forbidden = || Fate::Answered(refusal(403, "AuthorizationFailure", "No."));
    for (sent, applied) in [((|| Fate::AnswerHeld) as fn() -> Fate, 3), (|| Fate::Held, 1)] {
        let (told, sum) = with_a_companion_that_is_dropped(sent, forbidden).await;
        let error = told.expect_err("forbidden");
        assert_eq!((error.kind(), error.is_ambiguous(), sum), (ErrorKind::PermissionDenied, true, applied));
    }
}

#[tokio::test]
async fn a_repetition_goes_by_azures_clock_where_its_own_is_ahead() {
    let server = Server::start().await;
    let table = server.bare(false);
    table.write(Write::put(key("n"), "1".into())).await.expect("put");
    let mut lost = Increment::new(key("n"), 1, table.info().clock.now() + Duration::from_secs(1));
    lost.repeated = true;
    let own = server.clone();
    server.fate(move |asked, _| {
        let mut told = own.rows.lock().unwrap().answer(asked);
        told.headers_mut().insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        Fate::Answered(told)
    });
    let error = table.increment(lost.clone()).await.expect_err("the put may have been after it");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    // Where the two clocks agree the put was before it.
    server.take();
    assert_eq!(table.increment(lost).await.expect("counted").value, 2);
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
