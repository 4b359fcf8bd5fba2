//! What DynamoDB refuses, as kinds; and how many requests a call is.

use bytes::Bytes;
use serde_json::{Value, json};
use skyport_core::kv::port::{Bound, Change, Increment, ItemCondition, Key, QueryOptions, RawVersion, Write};
use skyport_core::{Error, ErrorKind, Result};

use crate::stub::{Answer, Reply, Stub, condition_failed, item, ok, refusal, reset};

fn key_of(sort: &str) -> Key {
    Key::new("p", sort)
}

fn put(sort: &str, condition: ItemCondition) -> Write {
    let mut write = Write::put(key_of(sort), Bytes::from_static(b"\"x\""));
    write.condition = condition;
    write
}

#[tokio::test]
async fn one_small_call_is_one_request() {
    let counted = || ok(json!({ "Attributes": { "v": { "N": "1" } } }));
    let stub =
        Stub::new(vec![ok(json!({})), ok(json!({})), ok(json!({})), counted(), counted(), ok(json!({}))]);
    let table = stub.table();
    assert!(table.get(&key_of("a")).await.expect("read").is_none());
    table.write(put("a", ItemCondition::None)).await.expect("written");
    table.write(put("a", ItemCondition::IfAbsent)).await.expect("written");
    let mut increment = Increment::new(key_of("n"), 1, table.info().clock.now());
    table.increment(increment.clone()).await.expect("counted");
    increment.expires = Some(increment.started + std::time::Duration::from_secs(60));
    table.increment(increment).await.expect("counted");
    table.write(Write::delete(key_of("a"))).await.expect("deleted");
    let operations: Vec<String> = stub.sent().into_iter().map(|sent| sent.operation).collect();
    let expected = ["GetItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "DeleteItem"];
    assert_eq!(operations, expected);
    assert_eq!(stub.sent()[0].body["ConsistentRead"], true);
}

#[tokio::test]
async fn every_error_of_the_service_has_its_kind() {
    type Made = fn() -> Answer;
    let errors: [(Made, ErrorKind, bool, bool); 9] = [
        (
            || refusal(400, "ProvisionedThroughputExceededException", json!({})),
            ErrorKind::Throttled,
            true,
            false,
        ),
        (|| refusal(400, "ThrottlingException", json!({})), ErrorKind::Throttled, true, false),
        (|| refusal(400, "RequestLimitExceeded", json!({})), ErrorKind::Throttled, true, false),
        (|| refusal(400, "ResourceNotFoundException", json!({})), ErrorKind::NotFound, false, false),
        (|| refusal(400, "AccessDeniedException", json!({})), ErrorKind::PermissionDenied, false, false),
        (|| refusal(400, "TransactionConflictException", json!({})), ErrorKind::Conflict, true, false),
        (|| refusal(500, "InternalServerError", json!({})), ErrorKind::Unavailable, true, true),
        (|| refusal(503, "ServiceUnavailable", json!({})), ErrorKind::Unavailable, true, true),
        (reset, ErrorKind::Unavailable, true, true),
    ];
    for (made, kind, retryable, ambiguous) in errors {
        let stub = Stub::new((0..7).map(|_| made()).collect());
        let table = stub.table();
        let mut told: Vec<Error> = Vec::new();
        told.extend(table.get(&key_of("a")).await.err());
        told.extend(table.get_many(vec![key_of("a")]).await.remove(0).err());
        told.extend(table.write(put("a", ItemCondition::IfAbsent)).await.err());
        told.extend(table.write_many(vec![put("a", ItemCondition::None)]).await.remove(0).err());
        told.extend(table.transact(vec![put("a", ItemCondition::None)]).await.err());
        told.extend(table.increment(Increment::new(key_of("n"), 1, table.info().clock.now())).await.err());
        told.extend(table.query(QueryOptions::new("p", 10)).await.err());
        assert_eq!(told.len(), 7, "{kind}");
        for error in told {
            let seen = (error.kind(), error.is_retryable(), error.is_ambiguous(), error.provider());
            assert_eq!(seen, (kind, retryable, ambiguous, Some("aws")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_condition_that_fails_says_which() {
    let version = RawVersion::new("seen");
    let mut delete = Write::delete(key_of("a"));
    delete.condition = ItemCondition::IfVersion(version.clone());
    for (write, kind) in [
        (put("a", ItemCondition::IfAbsent), ErrorKind::AlreadyExists),
        (put("a", ItemCondition::IfVersion(version)), ErrorKind::PreconditionFailed),
        (delete, ErrorKind::PreconditionFailed),
    ] {
        let stub = Stub::new(vec![condition_failed()]);
        let error = stub.table().write(write).await.expect_err("refused");
        assert_eq!((error.kind(), error.is_retryable(), error.is_ambiguous()), (kind, false, false));
        let names = stub.sent()[0].body["ReturnValuesOnConditionCheckFailure"].clone();
        assert!(names.is_null(), "a refusal does not bring the item along");
    }
}

#[tokio::test]
async fn a_check_alone_is_a_read() {
    let mut check = Write::new(key_of("a"), Change::Check);
    check.condition = ItemCondition::IfVersion(RawVersion::new("seen"));
    let there = |version: &str| ok(json!({ "Item": item("p", "a", json!({ "B": "" }), version) }));
    let stub = Stub::new(vec![there("seen"), there("other"), ok(json!({}))]);
    let table = stub.table();
    assert!(table.write(check.clone()).await.is_ok_and(|version| version.is_none()));
    for _ in 0..2 {
        let error = table.write(check.clone()).await.expect_err("changed, then gone");
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    }
}

/// The answer of a transaction that was cancelled for these reasons.
fn cancelled(codes: &[&str]) -> Answer {
    let secret = item("p", "a", json!({ "B": "c2VjcmV0" }), "1");
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| match *code {
            "None" => json!({ "Code": "None" }),
            code => json!({ "Code": code, "Message": "told", "Item": secret }),
        })
        .collect();
    refusal(400, "TransactionCanceledException", json!({ "CancellationReasons": reasons }))
}

async fn transacted(codes: &[&str]) -> Result<Vec<Option<RawVersion>>> {
    let stub = Stub::new(vec![cancelled(codes)]);
    let version = ItemCondition::IfVersion(RawVersion::new("seen"));
    let writes = vec![put("a", ItemCondition::IfAbsent), put("b", version), put("c", ItemCondition::None)];
    stub.table().transact(writes).await
}

#[tokio::test]
async fn every_reason_of_a_cancelled_transaction_has_its_kind_and_names_its_item() {
    for (codes, kind, place, retryable) in [
        (["ConditionalCheckFailed", "None", "None"], ErrorKind::AlreadyExists, 0, false),
        (["None", "ConditionalCheckFailed", "None"], ErrorKind::PreconditionFailed, 1, false),
        (["None", "None", "TransactionConflict"], ErrorKind::Conflict, 2, true),
        (["None", "ProvisionedThroughputExceeded", "None"], ErrorKind::Throttled, 1, true),
        (["None", "ThrottlingError", "None"], ErrorKind::Throttled, 1, true),
        (["None", "None", "ValidationError"], ErrorKind::InvalidArgument, 2, false),
        (["ItemCollectionSizeLimitExceeded", "None", "None"], ErrorKind::TooLarge, 0, false),
        // What no repetition mends is told before what one may.
        (["TransactionConflict", "ConditionalCheckFailed", "None"], ErrorKind::PreconditionFailed, 1, false),
        (["None", "TransactionConflict", "ThrottlingError"], ErrorKind::Conflict, 1, true),
    ] {
        let error = transacted(&codes).await.expect_err("cancelled");
        let seen = (error.kind(), error.item(), error.is_retryable(), error.is_ambiguous());
        assert_eq!(seen, (kind, Some(place), retryable, false), "{codes:?}: {error}");
        let all = format!("{error} {error:?} {error:#?}");
        assert!(!all.contains("secret") && !all.contains("c2VjcmV0"), "{all}");
    }
    let error = transacted(&[]).await.expect_err("cancelled without a reason");
    assert_eq!((error.kind(), error.item(), error.is_retryable()), (ErrorKind::Conflict, None, true));
}

/// A page that is full of what has expired is short, and yet goes on where it ended.
#[tokio::test]
async fn a_query_of_much_that_has_expired_ends_its_page_and_tells_where() {
    let empty = |sort: &str| {
        let last = json!({ "pk": { "S": "p" }, "sk": { "S": format!("={sort}") } });
        ok(json!({ "Items": [], "LastEvaluatedKey": last }))
    };
    let mut script: Vec<Answer> = (0..8).map(|number| empty(&format!("{number}"))).collect();
    script.push(ok(json!({ "Items": [item("p", "9", json!({ "N": "9" }), "1")] })));
    let stub = Stub::new(script);
    let table = stub.table();
    let mut options = QueryOptions::new("p", 10);
    options.start = Bound::Included("0".into());
    let page = table.query(options.clone()).await.expect("a page");
    assert!(page.items.is_empty());
    assert_eq!(stub.sent().len(), 8);
    options.token = Some(page.next.expect("it goes on"));
    let page = table.query(options).await.expect("a page");
    assert_eq!((page.items.len(), page.next), (1, None));
    let last = stub.sent().pop().expect("a request").body;
    assert_eq!(last["ExpressionAttributeValues"][":low"]["S"], "=7\0");
}

/// An answer that is no JSON may be half of an item.
#[tokio::test]
async fn an_answer_that_cannot_be_read_stays_out_of_the_error() {
    let broken: Answer = Box::new(|_| Reply::Raw(200, r#"{"Item": {"v": {"S": "secret"}}"#));
    let stub = Stub::new(vec![broken, ok(json!({ "Item": item("p", "a", json!({ "S": "secret" }), "1") }))]);
    let table = stub.table();
    for _ in 0..2 {
        let error = table.get(&key_of("a")).await.expect_err("unreadable");
        let all = format!("{error} {error:?} {error:#?}");
        assert!(!all.contains("secret"), "{all}");
    }
}
