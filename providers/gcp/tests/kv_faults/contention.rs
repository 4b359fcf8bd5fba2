//! Rivals: what Firestore says of them, and that a write gives up in the end.

use std::time::{Duration, Instant};

use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Increment, ItemCondition, Write};
use tonic::Code;

use crate::grpc::{Call, Stub, failed, ok, stream};
use crate::stub::{committed, document, expected, expired, found, key, missing, name, table, there};

fn increment() -> Increment {
    Increment::new(key("a"), 1, std::time::SystemTime::now())
}

fn create() -> Write {
    let mut write = Write::put(key("a"), "1".into());
    write.condition = ItemCondition::IfAbsent;
    write
}

#[tokio::test]
async fn an_increment_reads_again_what_a_rival_changed() {
    let there_is = |value: &str, seconds| found(document("a", value, &"0".repeat(40), seconds));
    let stub = Stub::script([
        there([missing(name("a"))]),
        failed(Code::AlreadyExists),
        stream([there_is("7", 5)]),
        failed(Code::FailedPrecondition),
        stream([there_is("8", 6)]),
        failed(Code::Aborted),
        stream([there_is("9", 7)]),
        ok(committed(8, 1)),
    ])
    .await;
    assert_eq!(table(&stub).increment(increment()).await.expect("added").value, 10);
    stub.methods();
    let conditions: Vec<_> =
        stub.calls().iter().filter(|call| call.method == "Commit").map(expected).collect();
    let written = |seconds| Some(ConditionType::UpdateTime(crate::stub::time(seconds)));
    assert_eq!(conditions, [Some(ConditionType::Exists(false)), written(5), written(6), written(7)]);
}

#[tokio::test]
async fn what_is_contended_without_end_is_a_conflict_within_seconds() {
    let stub = Stub::start(|calls| match calls.last().map(|call| call.method.as_str()) {
        Some("Commit") => failed(Code::Aborted),
        _ => there([missing(name("a"))]),
    })
    .await;
    let (table, began) = (table(&stub), Instant::now());
    let (added, created) = tokio::join!(table.increment(increment()), table.write(create()));
    for error in [added.expect_err("contended"), created.expect_err("contended")] {
        let told = (error.kind(), error.is_retryable(), error.is_ambiguous());
        assert_eq!(told, (ErrorKind::Conflict, true, false), "{error}");
    }
    let plain = table.write(Write::put(key("a"), "1".into())).await.expect_err("contended");
    assert_eq!(plain.kind(), ErrorKind::Conflict);
    assert!(began.elapsed() < Duration::from_secs(9));
}

#[tokio::test]
async fn a_create_over_what_has_expired_replaces_that_and_nothing_else() {
    let stub = Stub::script([
        there([]),
        failed(Code::AlreadyExists),
        stream([found(expired("a", 4))]),
        // A rival replaced it, and that has expired, too.
        failed(Code::FailedPrecondition),
        stream([found(expired("a", 11))]),
        ok(committed(12, 1)),
    ])
    .await;
    table(&stub).write(create()).await.expect("created").expect("a version");
    stub.methods();
    let calls = stub.calls();
    let commits: Vec<&Call> = calls.iter().filter(|call| call.method == "Commit").collect();
    let written = |seconds| Some(ConditionType::UpdateTime(crate::stub::time(seconds)));
    let conditions: Vec<_> = commits.iter().map(|call| expected(call)).collect();
    assert_eq!(conditions, [Some(ConditionType::Exists(false)), written(4), written(11)]);
}

#[tokio::test]
async fn a_create_that_finds_another_is_refused_after_one_look() {
    let stub = Stub::script([
        there([]),
        failed(Code::AlreadyExists),
        stream([found(document("a", "1", &"0".repeat(40), 4))]),
    ])
    .await;
    let error = table(&stub).write(create()).await.expect_err("there");
    assert_eq!((error.kind(), error.item()), (ErrorKind::AlreadyExists, None));
    stub.methods();
}

#[tokio::test]
async fn a_version_that_has_expired_is_refused_without_a_write() {
    let mut late = document("a", "1", &"0".repeat(40), 4);
    let soon = std::time::SystemTime::now() + Duration::from_millis(300);
    late.fields.insert("exp".to_owned(), crate::stub::timestamp(soon));
    let stub = Stub::script([there([found(late)])]).await;
    let table = table(&stub);
    let version = table.get(&key("a")).await.expect("read").expect("not yet expired").version;
    tokio::time::sleep(Duration::from_millis(310)).await;
    let mut write = Write::delete(key("a"));
    write.condition = ItemCondition::IfVersion(version);
    let error = table.write(write).await.expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    stub.methods();
}

#[tokio::test]
async fn a_write_without_a_condition_is_never_said_to_have_failed_one() {
    // As a database in Datastore mode answers all that asks for documents.
    for script in [vec![failed(Code::FailedPrecondition)], vec![there([]), failed(Code::FailedPrecondition)]]
    {
        let stub = Stub::script(script).await;
        let error = table(&stub).write(Write::put(key("a"), "1".into())).await.expect_err("refused");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    }
}
