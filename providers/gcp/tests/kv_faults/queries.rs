//! Pages: what they ask for, when they end, and that what is read in vain ends, too.

use gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use gcloud_sdk::google::firestore::v1::{Document, RunQueryRequest, RunQueryResponse, StructuredQuery};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Bound, QueryOptions};
use tonic::Code;

use crate::grpc::{Call, Reply, Stub, broken_off, failed, stream};
use crate::stub::{document, expired, found, key, table, there};

fn asked(call: &Call) -> StructuredQuery {
    match call.message::<RunQueryRequest>().query_type {
        Some(QueryType::StructuredQuery(query)) => query,
        None => panic!("no query"),
    }
}

fn told(document: Document) -> RunQueryResponse {
    RunQueryResponse { document: Some(document), ..RunQueryResponse::default() }
}

/// Documents, after a message that only says how far it is.
fn page(documents: Vec<Document>) -> Reply {
    stream([RunQueryResponse::default()].into_iter().chain(documents.into_iter().map(told)))
}

fn item(sort: &str) -> Document {
    document(sort, "1", &"0".repeat(40), 2)
}

#[tokio::test]
async fn a_page_goes_on_behind_what_has_expired() {
    let stub = Stub::script([
        there([]),
        page(vec![expired("a", 1), expired("b", 1), expired("c", 1)]),
        page(vec![expired("d", 1), item("e"), item("f")]),
        page(vec![item("g")]),
    ])
    .await;
    let page = table(&stub).query(QueryOptions::new("p", 2)).await.expect("a page");
    let sorts: Vec<&str> = page.items.iter().map(|item| &*item.key.sort).collect();
    assert_eq!((sorts, page.next.is_some()), (vec!["e", "f"], true));
    stub.methods();
    let limits: Vec<_> = stub.calls()[1..].iter().map(|call| asked(call).limit).collect();
    assert_eq!(limits, [Some(3), Some(3), Some(1)], "one more than is missing");
    let from = asked(&stub.calls()[2]).start_at.expect("a place to go on");
    assert_eq!((from.values.len(), from.before), (1, false));
}

#[tokio::test]
async fn a_partition_where_all_has_expired_gives_pages_that_end() {
    let stub = Stub::start(|calls| {
        let call = calls.last().expect("a call");
        match call.method.as_str() {
            "RunQuery" => {
                let most = asked(call).limit.expect("a limit");
                page((0..most).map(|number| expired(&format!("{number:05}"), 1)).collect())
            }
            _ => there([]),
        }
    })
    .await;
    let page = table(&stub).query(QueryOptions::new("p", 1_000)).await.expect("a page");
    assert!(page.items.is_empty() && page.next.is_some());
    assert!(stub.calls().len() < 12, "{} calls for one page", stub.calls().len());
}

#[tokio::test]
async fn a_page_ends_where_it_has_enough_bytes() {
    let large = "x".repeat(1_000_000);
    let all = (0..10).map(|number| document(&number.to_string(), &large, &"0".repeat(40), 2)).collect();
    let stub = Stub::script([there([]), page(all)]).await;
    let page = table(&stub).query(QueryOptions::new("p", 100)).await.expect("a page");
    assert_eq!((page.items.len(), page.next.is_some()), (5, true));
}

#[tokio::test]
async fn a_range_is_asked_for_from_its_end_where_it_is_read_backwards() {
    let stub = Stub::script([there([]), page(Vec::new())]).await;
    let mut options = QueryOptions::new("p", 10);
    (options.start, options.end) = (Bound::Included("a".into()), Bound::Excluded("b".into()));
    options.reverse = true;
    assert!(table(&stub).query(options).await.expect("a page").items.is_empty());
    let query = asked(&stub.calls()[1]);
    let (first, last) = (query.start_at.expect("a start"), query.end_at.expect("an end"));
    // After `b`, which is not part of it, to after `a`, which is.
    assert_eq!((first.before, last.before), (false, false));
}

#[tokio::test]
async fn a_query_that_breaks_off_gives_no_page() {
    let stub = Stub::script([there([]), broken_off([told(item("a"))], Code::Unavailable)]).await;
    let error = table(&stub).query(QueryOptions::new("p", 10)).await.expect_err("broken off");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_missing_index_is_said_to_be_missing() {
    let stub = Stub::script([there([]), failed(Code::FailedPrecondition)]).await;
    let error = table(&stub).query(QueryOptions::new("p", 10)).await.expect_err("no index");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    assert!(error.message().contains("index"), "{error}");
}

#[tokio::test]
async fn more_documents_than_were_asked_for_are_not_kept() {
    let stub = Stub::start(|calls| {
        let call = calls.last().expect("a call");
        match call.method.as_str() {
            "RunQuery" => page((0..2_000).map(|number| item(&format!("{number:05}"))).collect()),
            _ if calls.len() == 1 => there([]),
            _ => stream((0..2_000).map(|number| found(item(&format!("{number:05}"))))),
        }
    })
    .await;
    let table = table(&stub);
    let error = table.query(QueryOptions::new("p", 10)).await.expect_err("too many");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, false), "{error}");
    let error = table.get(&key("a")).await.expect_err("too many");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Malformed, false), "{error}");
}
