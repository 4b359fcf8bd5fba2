//! Firestore, its queries and its administration.

use std::collections::HashMap;

use gcloud_sdk::google::firestore::admin::v1 as google_admin;
use gcloud_sdk::google::firestore::v1 as google;
use gcloud_sdk::google::firestore::v1::structured_query as google_query;
use gcloud_sdk::google::firestore::v1::value::ValueType as Theirs;
use gcloud_sdk::google::{longrunning, rpc as google_rpc};
use gcloud_sdk::prost_types;

use super::{read, same};
use crate::proto::firestore::{self, ConditionType, Looked, Operation, ValueType};
use crate::proto::known::{FieldMask, Nothing, Timestamp};
use crate::proto::{admin, query, rpc};

const NOW: Timestamp = Timestamp { seconds: 7, nanos: 8 };
const THEIR_NOW: prost_types::Timestamp = prost_types::Timestamp { seconds: 7, nanos: 8 };

fn value(value: ValueType) -> firestore::Value {
    firestore::Value { value_type: Some(value) }
}

fn their_value(value: Theirs) -> google::Value {
    google::Value { value_type: Some(value) }
}

/// A document with a field of this value.
fn documents(ours: ValueType, theirs: Theirs) -> (firestore::Document, google::Document) {
    let field = firestore::Field { name: "f".into(), value: Some(value(ours)) };
    let ours = firestore::Document { name: "d".into(), fields: vec![field], update_time: Some(NOW) };
    let fields = [("f".into(), their_value(theirs))].into();
    let update_time = Some(THEIR_NOW);
    (ours, google::Document { name: "d".into(), fields, create_time: None, update_time })
}

fn masks() -> (firestore::DocumentMask, google::DocumentMask) {
    let field_paths = vec!["a".to_owned(), "b".to_owned()];
    (
        firestore::DocumentMask { field_paths: vec!["a".into(), "b".into()] },
        google::DocumentMask { field_paths },
    )
}

#[test]
fn documents_and_values_are_googles() {
    for (ours, theirs) in [
        (ValueType::Integer(-7), Theirs::IntegerValue(-7)),
        (ValueType::Timestamp(NOW), Theirs::TimestampValue(THEIR_NOW)),
        (ValueType::Reference("r".into()), Theirs::ReferenceValue("r".into())),
        (ValueType::Text("t".into()), Theirs::StringValue("t".into())),
        (ValueType::Bytes("b".into()), Theirs::BytesValue("b".into())),
    ] {
        let (ours, theirs) = documents(ours, theirs);
        same(&ours, &theirs);
        let written = firestore::Written { name: "d".into(), fields: ours.fields };
        same(&written, &google::Document { update_time: None, ..theirs });
    }
    let (mut ours, mut theirs) = documents(ValueType::Integer(1), Theirs::BooleanValue(true));
    theirs.create_time = Some(THEIR_NOW);
    // Of a type that no item has: that there is a field is seen all the same.
    ours.fields[0].value = Some(firestore::Value { value_type: None });
    read(&ours, &theirs);
}

#[test]
fn documents_are_looked_at_as_google_reads_it() {
    let (ours, theirs) = masks();
    let read_write = firestore::ReadWrite { retry_transaction: "r".into() };
    let request = firestore::BatchGetDocumentsRequest {
        database: "d".into(),
        documents: vec!["a".into(), "b".into()],
        mask: Some(ours),
        new_transaction: Some(firestore::TransactionOptions { read_write: Some(read_write) }),
    };
    let mode = google::transaction_options::Mode::ReadWrite(google::transaction_options::ReadWrite {
        retry_transaction: "r".into(),
        ..Default::default()
    });
    let begin = google::TransactionOptions { mode: Some(mode) };
    let selector = google::batch_get_documents_request::ConsistencySelector::NewTransaction(begin);
    let theirs = google::BatchGetDocumentsRequest {
        database: "d".into(),
        documents: vec!["a".into(), "b".into()],
        mask: Some(theirs),
        consistency_selector: Some(selector),
        request_options: None,
    };
    same(&request, &theirs);

    let (ours, theirs) = documents(ValueType::Integer(1), Theirs::IntegerValue(1));
    let their_result = google::batch_get_documents_response::Result::Found(theirs);
    for (ours, theirs) in [
        (Looked::Found(ours), their_result),
        (Looked::Missing("m".into()), google::batch_get_documents_response::Result::Missing("m".into())),
    ] {
        let ours = firestore::BatchGetDocumentsResponse { result: Some(ours), transaction: "t".into() };
        let theirs = google::BatchGetDocumentsResponse {
            result: Some(theirs),
            transaction: "t".into(),
            read_time: None,
        };
        same(&ours, &theirs);
        read(&ours, &google::BatchGetDocumentsResponse { read_time: Some(THEIR_NOW), ..theirs });
    }
}

#[test]
fn writes_are_sent_as_google_reads_them() {
    let (document, theirs) = documents(ValueType::Integer(1), Theirs::IntegerValue(1));
    let document = firestore::Written { name: "d".into(), fields: document.fields };
    let theirs = google::Document { update_time: None, ..theirs };
    let update = google::write::Operation::Update(theirs);
    let delete = google::write::Operation::Delete("d".into());
    let exists = google::precondition::ConditionType::Exists(true);
    let time = google::precondition::ConditionType::UpdateTime(THEIR_NOW);
    for (operation, their_operation, condition, their_condition) in [
        (Operation::Update(document), update, ConditionType::Exists(true), exists),
        (Operation::Delete("d".into()), delete, ConditionType::UpdateTime(NOW), time),
    ] {
        let (mask, their_mask) = masks();
        let write = firestore::Write {
            operation: Some(operation),
            update_mask: Some(mask),
            current_document: Some(firestore::Precondition { condition_type: Some(condition) }),
        };
        let theirs = google::Write {
            operation: Some(their_operation),
            update_mask: Some(their_mask),
            current_document: Some(google::Precondition { condition_type: Some(their_condition) }),
            update_transforms: Vec::new(),
        };
        let commit = firestore::CommitRequest {
            database: "d".into(),
            writes: vec![write.clone()],
            transaction: "t".into(),
        };
        let their_commit = google::CommitRequest {
            database: "d".into(),
            writes: vec![theirs.clone()],
            transaction: "t".into(),
            request_options: None,
        };
        same(&commit, &their_commit);
        let batch = firestore::BatchWriteRequest { database: "d".into(), writes: vec![write] };
        let their_batch = google::BatchWriteRequest {
            database: "d".into(),
            writes: vec![theirs],
            labels: HashMap::new(),
            request_options: None,
        };
        same(&batch, &their_batch);
    }
    let roll_back = firestore::RollbackRequest { database: "d".into(), transaction: "t".into() };
    let theirs =
        google::RollbackRequest { database: "d".into(), transaction: "t".into(), request_options: None };
    same(&roll_back, &theirs);
}

#[test]
fn what_became_of_writes_is_told_as_google_tells_it() {
    let result = firestore::WriteResult { update_time: Some(NOW) };
    let theirs = google::WriteResult { update_time: Some(THEIR_NOW), transform_results: Vec::new() };
    let committed =
        google::CommitResponse { write_results: vec![theirs.clone()], commit_time: Some(THEIR_NOW) };
    let ours = firestore::CommitResponse { write_results: vec![result] };
    read(&ours, &committed);
    same(&ours, &google::CommitResponse { commit_time: None, ..committed.clone() });
    read(&Nothing {}, &committed);
    let status = rpc::Status { code: 5, ..rpc::Status::default() };
    let their_status = google_rpc::Status { code: 5, ..google_rpc::Status::default() };
    same(
        &firestore::BatchWriteResponse { write_results: vec![result], status: vec![status] },
        &google::BatchWriteResponse { write_results: vec![theirs], status: vec![their_status] },
    );
}

#[test]
fn collections_are_listed_as_google_reads_and_tells_it() {
    let (mask, their_mask) = masks();
    let ours = firestore::ListDocumentsRequest {
        parent: "p".into(),
        collection_id: "c".into(),
        page_size: 7,
        page_token: "t".into(),
        mask: Some(mask),
        show_missing: true,
    };
    let theirs = google::ListDocumentsRequest {
        parent: "p".into(),
        collection_id: "c".into(),
        page_size: 7,
        page_token: "t".into(),
        mask: Some(their_mask),
        show_missing: true,
        ..google::ListDocumentsRequest::default()
    };
    same(&ours, &theirs);
    let (_, document) = documents(ValueType::Integer(1), Theirs::IntegerValue(1));
    let listed = firestore::ListDocumentsResponse {
        documents: vec![firestore::Listed { name: "d".into() }],
        next_page_token: "t".into(),
    };
    let theirs = google::ListDocumentsResponse { documents: vec![document], next_page_token: "t".into() };
    read(&listed, &theirs);
}

#[test]
fn queries_are_sent_as_google_reads_them() {
    let field = |path: &'static str| query::FieldReference { field_path: path.into() };
    let their_field = |path: &str| google_query::FieldReference { field_path: path.to_owned() };
    let cursor = |before| query::Cursor { values: vec![value(ValueType::Integer(1))], before };
    let their_cursor = |before| google::Cursor { values: vec![their_value(Theirs::IntegerValue(1))], before };
    let filter = query::FieldFilter {
        field: Some(field("f")),
        op: query::Operator::LessThanOrEqual.into(),
        value: Some(value(ValueType::Integer(1))),
    };
    let their_filter = google_query::filter::FilterType::FieldFilter(google_query::FieldFilter {
        field: Some(their_field("f")),
        op: google_query::field_filter::Operator::LessThanOrEqual.into(),
        value: Some(their_value(Theirs::IntegerValue(1))),
    });
    for (direction, theirs) in [
        (query::Direction::Ascending, google_query::Direction::Ascending),
        (query::Direction::Descending, google_query::Direction::Descending),
    ] {
        let asked = query::StructuredQuery {
            select: Some(query::Projection { fields: vec![field("a"), field("b")] }),
            from: vec![query::CollectionSelector { collection_id: "c".into(), all_descendants: true }],
            r#where: Some(query::Filter { field_filter: Some(filter.clone()) }),
            order_by: vec![query::Order { field: Some(field("a")), direction: direction.into() }],
            start_at: Some(cursor(true)),
            end_at: Some(cursor(false)),
            limit: Some(9),
        };
        let theirs = google::StructuredQuery {
            select: Some(google_query::Projection { fields: vec![their_field("a"), their_field("b")] }),
            from: vec![google_query::CollectionSelector { collection_id: "c".into(), all_descendants: true }],
            r#where: Some(google_query::Filter { filter_type: Some(their_filter.clone()) }),
            order_by: vec![google_query::Order { field: Some(their_field("a")), direction: theirs.into() }],
            start_at: Some(their_cursor(true)),
            end_at: Some(their_cursor(false)),
            limit: Some(9),
            ..google::StructuredQuery::default()
        };
        let ours = query::RunQueryRequest { parent: "p".into(), structured_query: Some(asked) };
        let theirs = google::RunQueryRequest {
            parent: "p".into(),
            query_type: Some(google::run_query_request::QueryType::StructuredQuery(theirs)),
            ..google::RunQueryRequest::default()
        };
        same(&ours, &theirs);
    }
    let (document, theirs) = documents(ValueType::Integer(1), Theirs::IntegerValue(1));
    let theirs = google::RunQueryResponse { document: Some(theirs), ..google::RunQueryResponse::default() };
    same(&query::RunQueryResponse { document: Some(document) }, &theirs);
}

#[test]
fn settings_of_fields_are_googles() {
    use google_admin::field::ttl_config::State as TheirState;
    for (state, theirs) in [
        (admin::State::Creating, TheirState::Creating),
        (admin::State::Active, TheirState::Active),
        (admin::State::NeedsRepair, TheirState::NeedsRepair),
    ] {
        let config = admin::IndexConfig {
            indexes: vec![admin::Index {}],
            uses_ancestor_config: true,
            reverting: true,
        };
        let field = admin::Field {
            name: "n".into(),
            index_config: Some(config),
            ttl_config: Some(admin::TtlConfig { state: state.into() }),
        };
        let config = google_admin::field::IndexConfig {
            indexes: vec![google_admin::Index::default()],
            uses_ancestor_config: true,
            ancestor_field: String::new(),
            reverting: true,
        };
        let ttl = google_admin::field::TtlConfig { state: theirs.into(), expiration_offset: None };
        let theirs =
            google_admin::Field { name: "n".into(), index_config: Some(config), ttl_config: Some(ttl) };
        same(&field, &theirs);
        let update = admin::UpdateFieldRequest {
            field: Some(field),
            update_mask: Some(FieldMask { paths: vec!["a".into()] }),
        };
        let theirs = google_admin::UpdateFieldRequest {
            field: Some(theirs),
            update_mask: Some(prost_types::FieldMask { paths: vec!["a".into()] }),
        };
        same(&update, &theirs);
    }
    let get = google_admin::GetFieldRequest { name: "n".into() };
    same(&admin::GetFieldRequest { name: "n".into() }, &get);
    let index = google_admin::Index { name: "i".into(), ..google_admin::Index::default() };
    read(&admin::Index {}, &index);
    let status = rpc::Status { code: 5, ..rpc::Status::default() };
    let theirs = google_rpc::Status { code: 5, ..google_rpc::Status::default() };
    let ended = longrunning::Operation {
        name: "o".into(),
        done: true,
        result: Some(longrunning::operation::Result::Error(theirs)),
        metadata: None,
    };
    read(&admin::Operation { error: Some(status) }, &ended);
}
