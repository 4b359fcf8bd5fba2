//! Tables that are made and removed, what Firestore is told of their fields, and sweeps.

use gcloud_sdk::google::firestore::admin::v1::field::ttl_config::State;
use gcloud_sdk::google::firestore::admin::v1::field::{IndexConfig, TtlConfig};
use gcloud_sdk::google::firestore::admin::v1::{Field, GetFieldRequest, Index, UpdateFieldRequest};
use gcloud_sdk::google::firestore::v1::{
    BatchWriteRequest, BatchWriteResponse, Document, ListDocumentsRequest, ListDocumentsResponse,
    RunQueryResponse,
};
use gcloud_sdk::google::longrunning::Operation;
use gcloud_sdk::google::longrunning::operation::Result as Ended;
use gcloud_sdk::google::rpc::Status;
use skyport_core::provider::{Provider, ResourceKind, TableSettings};
use skyport_core::{ErrorKind, Result};
use tonic::Code;

use crate::grpc::{Call, Reply, Stub, failed, ok, stream};
use crate::stub::{DATABASE, committed, expired, marker, name, provider, table, there};

fn kind() -> ResourceKind {
    ResourceKind::Table(TableSettings::default())
}

async fn create(stub: &Stub) -> Result<()> {
    provider(stub).create(&"firestore://things".parse()?, &kind()).await
}

async fn remove(stub: &Stub) -> Result<()> {
    provider(stub).remove(&"firestore://things".parse()?, &kind()).await
}

/// A field as it is by itself.
fn plain() -> Field {
    let index_config =
        IndexConfig { indexes: vec![Index::default()], uses_ancestor_config: true, ..IndexConfig::default() };
    Field { index_config: Some(index_config), ..Field::default() }
}

/// A field as a table wants it.
fn set(ttl: bool) -> Field {
    let ttl_config = ttl.then(|| TtlConfig { state: State::Creating.into(), ..TtlConfig::default() });
    Field { index_config: Some(IndexConfig::default()), ttl_config, ..Field::default() }
}

/// The fields that were changed, by their last segment, with what was changed of them.
fn updated(stub: &Stub) -> Vec<(String, Vec<String>, Field)> {
    let updates = stub.calls().into_iter().filter(|call| call.method == "UpdateField");
    let told = updates.map(|call| {
        let request: UpdateFieldRequest = call.message();
        let field = request.field.expect("a field");
        let name = field.name.rsplit('/').next().expect("a name").to_owned();
        (name, request.update_mask.expect("a mask").paths, field)
    });
    told.collect()
}

fn of_field(call: &Call) -> String {
    call.message::<GetFieldRequest>().name
}

#[tokio::test]
async fn a_table_is_made_with_a_time_to_live_and_without_needless_indexes() {
    for unset in [Some(plain()), None] {
        let stub = Stub::start(move |calls| match calls.last().map(|call| call.method.as_str()) {
            Some("GetField") => unset.clone().map_or(failed(Code::NotFound), ok),
            Some("UpdateField") => ok(Operation::default()),
            _ => ok(committed(1, 1)),
        })
        .await;
        create(&stub).await.expect("made");
        let updated = updated(&stub);
        let names: Vec<&str> = updated.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["v", "w", "i", "exp"]);
        for (name, mask, field) in &updated {
            assert_eq!(field.name, format!("{DATABASE}/collectionGroups/things_items/fields/{name}"));
            assert_eq!(field.index_config, Some(IndexConfig::default()));
            assert_eq!(field.ttl_config.is_some(), name == "exp");
            assert_eq!(mask.contains(&"ttl_config".to_owned()), name == "exp");
        }
        assert_eq!(stub.calls().last().expect("calls").method, "Commit", "the marker comes last");
    }
}

#[tokio::test]
async fn fields_that_are_set_already_are_left_as_they_are() {
    let stub = Stub::start(|calls| match calls.last() {
        Some(call) if call.method == "GetField" => ok(set(of_field(call).ends_with("/exp"))),
        _ => ok(committed(1, 1)),
    })
    .await;
    create(&stub).await.expect("there");
    assert!(updated(&stub).is_empty());
}

#[tokio::test]
async fn what_firestore_refuses_to_set_fails_the_creation() {
    let refused = Status { code: Code::PermissionDenied as i32, ..Status::default() };
    let ended = Operation { done: true, result: Some(Ended::Error(refused)), ..Operation::default() };
    for answer in [failed(Code::PermissionDenied), ok(ended)] {
        let stub = Stub::start(move |calls| match calls.last().map(|call| call.method.as_str()) {
            Some("GetField") => ok(plain()),
            _ => answer.clone(),
        })
        .await;
        assert_eq!(create(&stub).await.expect_err("refused").kind(), ErrorKind::PermissionDenied);
        assert!(stub.calls().iter().all(|call| call.method != "Commit"), "no table without its settings");
    }
}

#[tokio::test]
async fn an_emulator_that_has_no_settings_of_fields_makes_tables_all_the_same() {
    let stub = Stub::script([failed(Code::Unimplemented), ok(committed(1, 1))]).await;
    create(&stub).await.expect("made");
    assert_eq!(stub.methods(), ["GetField", "Commit"]);
}

#[tokio::test]
async fn fields_that_another_sets_in_this_moment_are_set() {
    let stub = Stub::script([
        ok(plain()),
        failed(Code::FailedPrecondition),
        ok(set(false)),
        ok(set(false)),
        ok(set(false)),
        ok(set(true)),
        ok(committed(1, 1)),
    ])
    .await;
    create(&stub).await.expect("made");
    stub.methods();

    let stub = Stub::script([ok(plain()), failed(Code::FailedPrecondition), ok(plain())]).await;
    let error = create(&stub).await.expect_err("not set");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
    stub.methods();
}

fn listed(names: &[&str], next: &str) -> Reply {
    let documents = names.iter().map(|name| Document { name: (*name).to_owned(), ..Document::default() });
    ok(ListDocumentsResponse { documents: documents.collect(), next_page_token: next.to_owned() })
}

fn told(name: String) -> RunQueryResponse {
    RunQueryResponse {
        document: Some(Document { name, ..Document::default() }),
        ..RunQueryResponse::default()
    }
}

fn deleted(codes: &[Code]) -> Reply {
    let status = |code: &Code| Status { code: *code as i32, ..Status::default() };
    ok(BatchWriteResponse { write_results: Vec::new(), status: codes.iter().map(status).collect() })
}

#[tokio::test]
async fn all_pages_of_partitions_are_emptied_and_the_marker_goes_last() {
    let partition = format!("{DATABASE}/documents/things/=p");
    let stub = Stub::script([
        listed(&[&marker()], "more"),
        listed(&[&partition], ""),
        stream([told(name("a")), told(name("b"))]),
        deleted(&[Code::Ok; 2]),
        stream(Vec::<RunQueryResponse>::new()),
        ok(plain()),
        ok(set(false)),
        ok(Operation::default()),
        ok(plain()),
        ok(set(true)),
        ok(Operation::default()),
        ok(committed(1, 1)),
    ])
    .await;
    remove(&stub).await.expect("removed");
    let methods = stub.methods();
    assert_eq!(methods[..5], ["ListDocuments", "ListDocuments", "RunQuery", "BatchWrite", "RunQuery"]);
    assert_eq!(methods.last().map(String::as_str), Some("Commit"));
    let page: ListDocumentsRequest = stub.calls()[1].message();
    assert!(page.show_missing && page.page_token == "more");
    let given_back: Vec<(String, bool)> = updated(&stub)
        .into_iter()
        .map(|(name, _, field)| (name, field.index_config.is_none() && field.ttl_config.is_none()))
        .collect();
    assert_eq!(given_back, [("w".to_owned(), true), ("exp".to_owned(), true)]);
}

#[tokio::test]
async fn a_removal_that_meets_an_error_leaves_the_marker() {
    let partition = format!("{DATABASE}/documents/things/=p");
    let stub = Stub::script([
        listed(&[&partition], ""),
        stream([told(name("a")), told(name("b"))]),
        deleted(&[Code::Ok, Code::Unavailable]),
    ])
    .await;
    assert_eq!(remove(&stub).await.expect_err("not done").kind(), ErrorKind::Unavailable);
    stub.methods();
}

#[tokio::test]
async fn a_sweep_leaves_to_firestore_what_it_deletes_by_itself() {
    let stub = Stub::script([there([]), ok(set(true))]).await;
    assert_eq!(table(&stub).sweep().await.expect("on"), 0);
    stub.methods();
}

#[tokio::test]
async fn a_sweep_deletes_what_it_finds_where_nobody_else_does() {
    let found = |document| RunQueryResponse { document: Some(document), ..RunQueryResponse::default() };
    let mut others = expired("x", 4);
    others.name = format!("{DATABASE}/documents/elsewhere/=p/things_items/=x");
    let stub = Stub::script([
        there([]),
        ok(set(false)),
        stream([found(expired("a", 4)), found(others), found(expired("b", 4))]),
        // Somebody wrote `b` anew in this moment.
        deleted(&[Code::Ok, Code::FailedPrecondition]),
        stream(Vec::<RunQueryResponse>::new()),
    ])
    .await;
    assert_eq!(table(&stub).sweep().await.expect("swept"), 1);
    stub.methods();
    let deletes: BatchWriteRequest = stub.calls()[3].message();
    assert_eq!(deletes.writes.len(), 2, "what is not of this table stays");
    assert!(deletes.writes.iter().all(|write| write.current_document.is_some()));
}

#[tokio::test]
async fn a_sweep_that_can_do_nothing_says_what_to_do() {
    let stub = Stub::script([there([]), ok(plain()), failed(Code::FailedPrecondition)]).await;
    let error = table(&stub).sweep().await.expect_err("neither");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`exp`"), "{error}");
}
