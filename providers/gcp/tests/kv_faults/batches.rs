//! Batches: one result for each item, in order, whatever Firestore says of the others; and no larger than it takes.

use bytes::Bytes;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, BatchWriteRequest, BatchWriteResponse, WriteResult,
};
use gcloud_sdk::google::rpc::Status;
use gcloud_sdk::prost::Message;
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Key, Write};
use tonic::Code;

use crate::grpc::{Reply, Stub, broken_off, failed, ok, stream};
use crate::stub::{document, found, key, missing, name, retried, table, there, time};

fn keys(sorts: &[&str]) -> Vec<Key> {
    sorts.iter().map(|sort| key(sort)).collect()
}

fn put(sort: &str) -> Write {
    Write::put(key(sort), "1".into())
}

/// What became of each write of a batch.
fn written(codes: &[Code]) -> Reply {
    let status = |code: &Code| Status { code: *code as i32, message: "told".to_owned(), details: Vec::new() };
    let result = |code: &Code| WriteResult {
        update_time: (*code == Code::Ok).then(|| time(5)),
        transform_results: Vec::new(),
    };
    ok(BatchWriteResponse {
        write_results: codes.iter().map(result).collect(),
        status: codes.iter().map(status).collect(),
    })
}

fn kinds<T>(results: Vec<skyport_core::Result<T>>) -> Vec<Result<(), ErrorKind>> {
    results.into_iter().map(|result| result.map(drop).map_err(|error| error.kind())).collect()
}

#[tokio::test]
async fn what_was_read_before_a_stream_broke_is_told_and_the_rest_is_not_said_to_be_missing() {
    let a = || found(document("a", "1", "w", 2));
    for (end, kind) in [(Code::Unavailable, ErrorKind::Unavailable), (Code::Ok, ErrorKind::Unavailable)] {
        let stub = Stub::script([there([]), broken_off([missing(name("c")), a()], end)]).await;
        let mut read = table(&stub).get_many(keys(&["a", "b", "c", "a"])).await.into_iter();
        let mut next = || read.next().expect("a result for each key");
        assert_eq!(next().expect("read").expect("there").value, "1");
        assert_eq!(next().expect_err("unknown").kind(), kind);
        assert!(next().expect("read").is_none());
        assert!(next().expect("read twice").is_some());
        assert_eq!(stub.calls()[1].message::<BatchGetDocumentsRequest>().documents.len(), 3);
    }
}

#[tokio::test]
async fn only_what_was_not_answered_is_asked_for_again() {
    let stub = Stub::script([
        there([]),
        broken_off([found(document("a", "1", "w", 2))], Code::Unavailable),
        stream([missing(name("b"))]),
    ])
    .await;
    let read = retried(&stub).get_many(keys(&["a", "b"])).await;
    let there: Vec<bool> = read.into_iter().map(|item| item.expect("read").is_some()).collect();
    assert_eq!(there, [true, false]);
    assert_eq!(stub.calls()[2].message::<BatchGetDocumentsRequest>().documents, [name("b")]);
    stub.methods();
}

#[tokio::test]
async fn each_write_of_a_batch_has_its_own_result() {
    let codes =
        [Code::Ok, Code::ResourceExhausted, Code::Aborted, Code::PermissionDenied, Code::FailedPrecondition];
    let stub = Stub::script([there([]), written(&codes)]).await;
    let writes = ["a", "b", "c", "d", "e"].map(put).into();
    let results = table(&stub).write_many(writes).await;
    let expected = [
        Ok(()),
        Err(ErrorKind::Throttled),
        Err(ErrorKind::Conflict),
        Err(ErrorKind::PermissionDenied),
        Err(ErrorKind::Conflict),
    ];
    assert_eq!(kinds(results), expected);
}

#[tokio::test]
async fn only_what_was_not_written_is_sent_again() {
    let stub = Stub::script([
        there([]),
        written(&[Code::Ok, Code::Unavailable, Code::Ok, Code::Aborted]),
        written(&[Code::Ok, Code::Ok]),
    ])
    .await;
    let writes = vec![put("a"), put("b"), Write::delete(key("c")), put("d")];
    let results = retried(&stub).write_many(writes).await;
    let versions: Vec<bool> = results.into_iter().map(|result| result.expect("written").is_some()).collect();
    assert_eq!(versions, [true, true, false, true]);
    let again: BatchWriteRequest = stub.calls()[2].message();
    assert_eq!(again.writes.len(), 2);
    stub.methods();
}

#[tokio::test]
async fn a_write_that_firestore_says_nothing_of_may_have_been_applied() {
    let stub = Stub::script([there([]), written(&[Code::Ok])]).await;
    let mut results = table(&stub).write_many(vec![put("a"), put("b")]).await.into_iter();
    assert!(results.next().expect("a result").is_ok());
    let error = results.next().expect("a result").expect_err("unknown");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, true));
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_fails_each_of_its_items() {
    let stub = Stub::script([there([]), failed(Code::Unavailable)]).await;
    let results = table(&stub).write_many(vec![put("a"), put("b")]).await;
    assert_eq!(kinds(results), [Err(ErrorKind::Unavailable); 2]);
}

#[tokio::test]
async fn batches_are_no_larger_than_firestore_takes_and_keep_their_order() {
    let stub = Stub::start(|calls| {
        let call = calls.last().expect("a call");
        match call.method.as_str() {
            "BatchWrite" => written(&vec![Code::Ok; call.message::<BatchWriteRequest>().writes.len()]),
            _ => there([]),
        }
    })
    .await;
    let table = table(&stub);
    let large = Bytes::from(vec![0xff; table.info().limits.value_bytes]);
    let small = (0..1_001).map(|number| put(&number.to_string()));
    let large = (0..21).map(|number| Write::put(key(&format!("large {number}")), large.clone()));
    let results = table.write_many(small.chain(large).collect()).await;
    assert_eq!(kinds(results), [Ok(()); 1_022]);
    let batches: Vec<BatchWriteRequest> = stub.calls()[1..].iter().map(|call| call.message()).collect();
    assert!(batches.iter().all(|batch| batch.writes.len() <= 500 && batch.encoded_len() < 10 << 20));
    assert_eq!(batches.iter().map(|batch| batch.writes.len()).sum::<usize>(), 1_022);
}
