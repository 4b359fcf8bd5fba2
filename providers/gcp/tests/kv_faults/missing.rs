//! What is not there: an item, a table, a database, an endpoint. Each is another thing.

use std::time::{Duration, Instant};

use skyport_core::ErrorKind;
use skyport_core::kv::port::Write;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, TableSettings};
use tonic::Code;

use crate::grpc::{Stub, failed, ok, stream};
use crate::stub::{at, committed, document, found, key, marker, missing, name, provider, table, there};

#[tokio::test]
async fn an_item_that_is_not_there_reads_as_none_and_the_table_is_looked_for_with_the_first_one() {
    let gone = || missing(name("a"));
    let stub =
        Stub::script([there([gone()]), stream([gone()]), stream([found(document("a", "1", "w", 2))])]).await;
    let table = table(&stub);
    for there in [false, false, true] {
        assert_eq!(table.get(&key("a")).await.expect("read").is_some(), there);
    }
    assert_eq!(stub.methods(), ["BatchGetDocuments"; 3]);
    let asked = |call: usize| {
        let request: gcloud_sdk::google::firestore::v1::BatchGetDocumentsRequest =
            stub.calls()[call].message();
        request.documents
    };
    assert_eq!(asked(0), [name("a"), marker()]);
    assert_eq!(asked(1), [name("a")]);
}

#[tokio::test]
async fn a_missing_database_is_no_missing_item() {
    let stub = Stub::start(|_| failed(Code::NotFound)).await;
    let table = table(&stub);
    let read = table.get(&key("a")).await.expect_err("no database");
    assert_eq!((read.kind(), read.key()), (ErrorKind::NotFound, None));
    let written = table.write(Write::put(key("a"), "1".into())).await.expect_err("no database");
    assert_eq!(written.kind(), ErrorKind::NotFound);
    for result in table.get_many(vec![key("a"), key("b")]).await {
        assert_eq!(result.expect_err("no database").kind(), ErrorKind::NotFound);
    }
    let kind = ResourceKind::Table(TableSettings::default());
    let url = "firestore://things".parse().expect("a URL");
    let created = provider(&stub).create(&url, &kind).await.expect_err("no database");
    assert_eq!(created.kind(), ErrorKind::NotFound);
    assert!(created.message().contains("gcloud firestore databases create"), "{created}");
    provider(&stub).remove(&url, &kind).await.expect("what is not there is removed");
}

#[tokio::test]
async fn calls_say_which_database_they_are_for() {
    let stub = Stub::script([there([missing(name("a"))]), ok(committed(2, 1))]).await;
    let url = "firestore://things?database=eu-1&project=other".parse().expect("a URL");
    let table = provider(&stub).table(&url, &TableSettings::default()).expect("opens");
    // The stub answers for another database, and so nothing is known of this one.
    assert_eq!(table.get(&key("a")).await.expect_err("not said").kind(), ErrorKind::Unavailable);
    let calls = stub.calls();
    assert_eq!(calls[0].header("google-cloud-resource-prefix"), Some("projects/other/databases/eu-1"));
    assert_eq!(calls[0].header("x-goog-request-params"), Some("project_id=other&database_id=eu-1"));
}

#[tokio::test]
async fn a_dead_endpoint_fails_within_the_limit_of_the_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let url = "firestore://things".parse().expect("a URL");
    let table = Retry::default().table(at(endpoint).table(&url, &TableSettings::default()).expect("opens"));
    let began = Instant::now();
    let read = table.get(&key("a")).await.expect_err("nobody listens");
    assert_eq!((read.kind(), read.is_ambiguous()), (ErrorKind::Unavailable, false), "{read}");
    let written = table.write(Write::put(key("a"), "1".into())).await.expect_err("nobody listens");
    assert_eq!((written.kind(), written.is_ambiguous()), (ErrorKind::Unavailable, false), "{written}");
    assert!(began.elapsed() < Duration::from_secs(10));
}
