//! Lost answers, behind core's retries: a write recognises itself, or says that nobody knows.

use std::time::{Duration, Instant};

use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::{BatchGetDocumentsResponse, CommitResponse, Document};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Increment, ItemCondition, RawVersion, Write};
use skyport_core::layers::{Layer, Retry};
use skyport_core::retry::RetryPolicy;
use tonic::Code;

use crate::grpc::{Call, Reply, Stub, failed, ok};
use crate::stub::{attempt, committed, document, found, key, missing, name, retried, table, there, written};

fn create() -> Write {
    let mut write = Write::put(key("a"), "\"x\"".into());
    write.condition = ItemCondition::IfAbsent;
    write
}

/// Answers as the function says that is told the commits so far; the table is there, and nothing in it but what `reads` tells.
async fn stub(
    commit: impl Fn(&[&Call]) -> Reply + Send + Sync + 'static,
    reads: impl Fn(&[&Call]) -> BatchGetDocumentsResponse + Send + Sync + 'static,
) -> Stub {
    Stub::start(move |calls| {
        let commits: Vec<&Call> = calls.iter().filter(|call| call.method == "Commit").collect();
        match calls.last().map(|call| call.method.as_str()) {
            Some("Commit") => commit(&commits),
            _ => there([reads(&commits)]),
        }
    })
    .await
}

/// The item that the first commit made, written at that second.
fn made(commits: &[&Call], seconds: i64) -> Document {
    document("a", "\"x\"", &attempt(commits[0]), seconds)
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_itself() {
    for lost in
        [Reply::Broken, failed(Code::Unavailable), failed(Code::Internal), failed(Code::DeadlineExceeded)]
    {
        let commit = move |commits: &[&Call]| match commits.len() {
            1 => lost.clone(),
            _ => failed(Code::AlreadyExists),
        };
        let stub = stub(commit, |commits| match commits.len() {
            0 => missing(name("a")),
            _ => found(made(commits, 7)),
        })
        .await;
        let version = retried(&stub).write(create()).await.expect("created").expect("a version");
        let calls = stub.calls();
        let commits: Vec<&Call> = calls.iter().filter(|call| call.method == "Commit").collect();
        let (first, second) = (attempt(commits[0]), attempt(commits[1]));
        assert!(version.as_str().starts_with(&first), "{version:?}");
        assert!(first[..32] == second[..32] && first != second, "one token, a name for each attempt");
    }
}

#[tokio::test]
async fn a_create_that_was_replaced_is_indeterminate() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => Reply::Broken,
        _ => failed(Code::AlreadyExists),
    };
    let rival = document("a", "\"rival\"", &"0".repeat(40), 8);
    let stub = stub(commit, move |_| found(rival.clone())).await;
    let error = retried(&stub).write(create()).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

#[tokio::test]
async fn a_create_that_was_throttled_is_repeated_and_refused_as_it_is() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => failed(Code::ResourceExhausted),
        _ => failed(Code::AlreadyExists),
    };
    let stub = stub(commit, |_| found(document("a", "1", &"0".repeat(40), 8))).await;
    let error = retried(&stub).write(create()).await.expect_err("there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_swap_whose_answer_was_lost_finds_itself() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => Reply::Broken,
        _ => failed(Code::FailedPrecondition),
    };
    let stub = stub(commit, |commits| match commits.len() {
        0 => found(document("a", "1", &"0".repeat(40), 5)),
        _ => found(made(commits, 9)),
    })
    .await;
    let table = retried(&stub);
    let before = table.get(&key("a")).await.expect("read").expect("there").version;
    let mut write = Write::put(key("a"), "\"x\"".into());
    write.condition = ItemCondition::IfVersion(before);
    let version = table.write(write).await.expect("swapped").expect("a version");
    let read = table.get(&key("a")).await.expect("read").expect("there");
    assert_eq!(read.version, version);
}

#[tokio::test]
async fn a_plain_write_is_repeated_under_a_new_name() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => Reply::Broken,
        2 => failed(Code::Aborted),
        _ => ok(committed(6, 1)),
    };
    let stub = stub(commit, |_| missing(name("a"))).await;
    let version = retried(&stub).write(Write::put(key("a"), "1".into())).await.expect("written");
    let calls = stub.calls();
    let attempts: Vec<String> = calls.iter().filter(|call| call.method == "Commit").map(attempt).collect();
    assert!(attempts[0][..32] != attempts[1][..32], "another may have written in between");
    assert!(version.expect("a version").as_str().starts_with(&attempts[2]));
}

#[tokio::test]
async fn a_conditional_delete_whose_answer_was_lost_is_indeterminate() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => Reply::Broken,
        _ => failed(Code::FailedPrecondition),
    };
    let stub = stub(commit, |_| missing(name("a"))).await;
    let mut write = Write::delete(key("a"));
    write.condition = ItemCondition::IfVersion(RawVersion::new(format!("{}.5.0", "0".repeat(40))));
    let error = retried(&stub).write(write).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

#[tokio::test]
async fn an_increment_whose_answer_was_lost_finds_its_trace_and_does_not_count_twice() {
    let commit = |_: &[&Call]| Reply::Broken;
    let stub = stub(commit, |commits| match commits.first() {
        None => missing(name("a")),
        Some(first) => {
            let mut made = document("a", "5", &attempt(first), 7);
            let slots = written(first, 0, "i");
            made.fields.entry("i".to_owned()).or_default().value_type = slots;
            found(made)
        }
    })
    .await;
    let increment = Increment::new(key("a"), 5, std::time::SystemTime::now());
    let table = retried(&stub);
    let told = table.increment(increment).await.expect("applied");
    assert_eq!(told.value, 5);
    assert_eq!(told.version, table.get(&key("a")).await.expect("read").expect("there").version);
    assert_eq!(stub.calls().iter().filter(|call| call.method == "Commit").count(), 1);
}

#[tokio::test]
async fn an_increment_whose_slot_another_took_is_indeterminate() {
    let commit = |_: &[&Call]| Reply::Broken;
    let stub = stub(commit, |commits| match commits.first() {
        None => missing(name("a")),
        Some(first) => {
            let mut made = document("a", "9", &"0".repeat(40), 7);
            let Some(ValueType::BytesValue(slots)) = written(first, 0, "i") else {
                panic!("no slots were written")
            };
            // As another's with the same slot, a moment later.
            let mine = attempt(first)[..32].to_owned();
            let others = String::from_utf8(slots).expect("JSON").replace(&mine, &format!("f{}", &mine[1..]));
            made.fields.entry("i".to_owned()).or_default().value_type =
                Some(ValueType::BytesValue(others.into_bytes()));
            found(made)
        }
    })
    .await;
    let mut increment = Increment::new(key("a"), 5, std::time::SystemTime::now());
    // A first digit that the other has not.
    increment.token = skyport_core::Token::from_bits(increment.token.to_bits() & (u128::MAX >> 4));
    let error = retried(&stub).increment(increment).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    assert_eq!(stub.calls().iter().filter(|call| call.method == "Commit").count(), 1);
}

#[tokio::test]
async fn a_write_that_was_applied_without_saying_when_is_looked_up() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => ok(CommitResponse::default()),
        _ => failed(Code::AlreadyExists),
    };
    let stub = stub(commit, |commits| match commits.len() {
        0 => missing(name("a")),
        _ => found(made(commits, 7)),
    })
    .await;
    let version = retried(&stub).write(create()).await.expect("found again").expect("a version");
    let read = retried(&stub).get(&key("a")).await.expect("read").expect("there");
    assert_eq!(read.version, version);
}

#[tokio::test]
async fn a_write_that_meets_itself_has_succeeded_without_a_layer_that_retries_too() {
    let commit = |commits: &[&Call]| match commits.len() {
        1 => Reply::Broken,
        _ => failed(Code::AlreadyExists),
    };
    for together in [false, true] {
        let stub = stub(commit, |commits| match commits.len() {
            0 => missing(name("a")),
            _ => found(made(commits, 7)),
        })
        .await;
        let (table, write) = (table(&stub), create());
        let call = || async {
            match together {
                true => table.transact(vec![write.clone()]).await.map(|mut versions| versions.remove(0)),
                false => table.write(write.clone()).await,
            }
        };
        assert!(call().await.expect_err("lost").is_ambiguous());
        let version = call().await.expect("it is there").expect("a version");
        assert_eq!(version, table.get(&key("a")).await.expect("read").expect("there").version);
        // To another write it is somebody else's.
        assert_eq!(table.write(create()).await.expect_err("there").kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_timeout_within_the_limit_of_the_call() {
    let stub = stub(|_| Reply::Silent, |_| missing(name("a"))).await;
    let mut policy = RetryPolicy::default();
    (policy.attempt_timeout, policy.total_timeout) = (Duration::from_millis(200), Duration::from_secs(1));
    let began = Instant::now();
    let table = Retry::new(policy).table(table(&stub));
    let error = table.write(Write::put(key("a"), "1".into())).await.expect_err("no answer");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Timeout, true), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3));
}
