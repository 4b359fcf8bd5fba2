//! Transactions: one request where there is no check, and locks that do not outlive a call.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use gcloud_sdk::google::firestore::v1::batch_get_documents_request::ConsistencySelector;
use gcloud_sdk::google::firestore::v1::transaction_options::Mode;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, BatchGetDocumentsResponse, CommitRequest, RollbackRequest,
};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Change, ItemCondition, Write};
use tonic::Code;

use crate::grpc::{Call, Reply, Stub, failed, ok, stream};
use crate::stub::{committed, document, found, key, missing, name, table, there};

fn put(sort: &str, condition: ItemCondition) -> Write {
    let mut write = Write::put(key(sort), "1".into());
    write.condition = condition;
    write
}

fn check(sort: &str, condition: ItemCondition) -> Write {
    let mut write = Write::new(key(sort), Change::Check);
    write.condition = condition;
    write
}

/// That a transaction began, and this is in it.
fn began(id: &str, found: BatchGetDocumentsResponse) -> Reply {
    let begins = BatchGetDocumentsResponse { transaction: id.into(), ..BatchGetDocumentsResponse::default() };
    stream([begins, found])
}

/// The transaction that a read says it repeats; `None` where it begins none.
fn repeats(call: &Call) -> Option<Vec<u8>> {
    match call.message::<BatchGetDocumentsRequest>().consistency_selector? {
        ConsistencySelector::NewTransaction(options) => match options.mode? {
            Mode::ReadWrite(options) => Some(options.retry_transaction),
            Mode::ReadOnly(_) => None,
        },
        _ => None,
    }
}

/// Waits until so many calls have arrived.
async fn arrived(stub: &Stub, calls: usize) {
    let arrival = async {
        while stub.calls().len() < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrival).await.expect("so many calls");
}

#[tokio::test]
async fn without_a_check_all_goes_in_one_request_and_locks_nothing() {
    let stub = Stub::script([there([]), ok(committed(5, 3))]).await;
    let writes =
        vec![put("a", ItemCondition::IfAbsent), Write::delete(key("b")), put("c", ItemCondition::None)];
    let versions = table(&stub).transact(writes).await.expect("applied");
    assert_eq!(versions.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(stub.methods(), ["BatchGetDocuments", "Commit"]);
    let commit: CommitRequest = stub.calls()[1].message();
    assert!(commit.transaction.is_empty() && commit.writes.len() == 3);
}

#[tokio::test]
async fn a_refused_transaction_names_its_item_and_one_that_holds_by_now_is_sent_again() {
    let guard = || document("a", "1", &"0".repeat(40), 4);
    let stub = Stub::script([
        there([found(guard())]),
        failed(Code::AlreadyExists),
        // It went in this moment.
        stream([found(guard()), missing(name("b"))]),
        failed(Code::FailedPrecondition),
        stream([found(guard()), found(document("b", "1", &"1".repeat(40), 6))]),
    ])
    .await;
    let table = table(&stub);
    let version = table.get(&key("a")).await.expect("read").expect("there").version;
    let writes = vec![put("a", ItemCondition::IfVersion(version)), put("b", ItemCondition::IfAbsent)];
    let error = table.transact(writes).await.expect_err("there");
    assert_eq!((error.kind(), error.item()), (ErrorKind::AlreadyExists, Some(1)));
    stub.methods();
}

#[tokio::test]
async fn a_check_is_read_in_a_transaction_which_is_begun_again_where_it_met_a_rival() {
    let replies = Mutex::new(VecDeque::from([
        there([]),
        began("one", missing(name("guard"))),
        failed(Code::Aborted),
        began("two", missing(name("guard"))),
        ok(committed(7, 1)),
    ]));
    // The aborted one is rolled back beside all this.
    let answers = Stub::start(move |calls| match calls.last().map(|call| call.method.as_str()) {
        Some("Rollback") => ok(()),
        _ => replies.lock().expect("unpoisoned").pop_front().expect("a reply for each call"),
    })
    .await;
    let writes = vec![check("guard", ItemCondition::IfAbsent), put("a", ItemCondition::None)];
    let versions = table(&answers).transact(writes).await.expect("applied");
    assert!(versions[0].is_none() && versions[1].is_some());
    arrived(&answers, 6).await;
    let calls = answers.calls();
    let reads: Vec<&Call> = calls.iter().filter(|call| call.method == "BatchGetDocuments").collect();
    assert_eq!(
        reads.iter().map(|call| repeats(call)).collect::<Vec<_>>(),
        [None, Some(vec![]), Some("one".into())]
    );
    let commits = calls.iter().filter(|call| call.method == "Commit");
    let commits: Vec<Vec<u8>> = commits.map(|call| call.message::<CommitRequest>().transaction).collect();
    assert_eq!(commits, [b"one", b"two"]);
    let rolled_back = calls.iter().filter(|call| call.method == "Rollback");
    let rolled_back: Vec<Vec<u8>> =
        rolled_back.map(|call| call.message::<RollbackRequest>().transaction).collect();
    assert_eq!(rolled_back, [b"one"]);
}

#[tokio::test]
async fn a_check_that_does_not_hold_is_named_and_its_transaction_rolled_back() {
    let there_is = found(document("guard", "1", &"0".repeat(40), 4));
    let stub = Stub::script([there([]), began("one", there_is), ok(())]).await;
    let writes = vec![put("a", ItemCondition::None), check("guard", ItemCondition::IfAbsent)];
    let error = table(&stub).transact(writes).await.expect_err("there");
    assert_eq!((error.kind(), error.item()), (ErrorKind::AlreadyExists, Some(1)));
    arrived(&stub, 3).await;
    assert_eq!(stub.methods(), ["BatchGetDocuments", "BatchGetDocuments", "Rollback"]);
    assert_eq!(stub.calls()[2].message::<RollbackRequest>().transaction, b"one");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back() {
    let stub = Stub::script([there([]), began("one", missing(name("guard"))), Reply::Silent, ok(())]).await;
    let table = table(&stub);
    let writes = vec![check("guard", ItemCondition::IfAbsent), put("a", ItemCondition::None)];
    let transact = table.transact(writes);
    tokio::select! {
        ended = transact => panic!("it cannot end: {ended:?}"),
        () = arrived(&stub, 3) => {}
    }
    arrived(&stub, 4).await;
    assert_eq!(stub.methods()[3], "Rollback");
}

#[tokio::test]
async fn checks_alone_are_all_read_at_once_and_nothing_is_written() {
    let stub = Stub::script([there([]), began("one", missing(name("guard"))), ok(committed(3, 0))]).await;
    let versions = table(&stub).transact(vec![check("guard", ItemCondition::IfAbsent)]).await.expect("holds");
    assert_eq!(versions, [None]);
    assert_eq!(stub.methods()[2], "Commit");
}
