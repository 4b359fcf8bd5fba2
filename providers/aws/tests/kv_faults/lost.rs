//! Lost answers, behind core's retries: a write recognises itself, or says that nobody knows.

use bytes::Bytes;
use serde_json::{Value, json};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Increment, ItemCondition, Key, Write};
use skyport_core::kv::slots::slot_of;

use crate::stub::{Answer, Sent, Stub, by, condition_failed, item, ok, refusal, reset};

fn create(sort: &str) -> Write {
    let mut write = Write::put(Key::new("p", sort), Bytes::from_static(b"\"x\""));
    write.condition = ItemCondition::IfAbsent;
    write
}

fn version(sent: &Sent) -> String {
    sent.body["ExpressionAttributeValues"][":w"]["S"].as_str().expect("a version").to_owned()
}

fn failed(there: Value) -> Answer {
    refusal(400, "ConditionalCheckFailedException", json!({ "Item": there }))
}

/// The item that the first request made.
fn made() -> Answer {
    by(|sent| json!({ "Item": item("p", "a", json!({ "B": "Ingi" }), &version(&sent[0])) }))
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_finds_itself() {
    for lost in [reset(), refusal(500, "InternalServerError", json!({}))] {
        let stub = Stub::new(vec![lost, condition_failed(), made()]);
        let told = stub.retried().write(create("a")).await.expect("created").expect("a version");
        let sent = stub.sent();
        assert_eq!(told.as_str(), version(&sent[0]));
        assert_eq!(sent[2].operation, "GetItem");
        let (first, second) = (version(&sent[0]), version(&sent[1]));
        assert!(first[..32] == second[..32] && first != second, "one token, a version for each attempt");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_replaced_is_indeterminate() {
    let rival = ok(json!({ "Item": item("p", "a", json!({ "B": "Ingi" }), &"0".repeat(40)) }));
    let stub = Stub::new(vec![reset(), condition_failed(), rival]);
    let error = stub.retried().write(create("a")).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_is_repeated_and_refused_as_it_is() {
    let throttled = refusal(400, "ProvisionedThroughputExceededException", json!({}));
    let stub = Stub::new(vec![throttled, condition_failed()]);
    let error = stub.retried().write(create("a")).await.expect_err("there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn an_increment_whose_answer_was_lost_finds_its_trace() {
    let increment = Increment::new(Key::new("p", "n"), 5, std::time::SystemTime::now());
    let slot = slot_of(increment.token);
    let traced = Box::new(move |sent: &[Sent]| {
        let version = version(&sent[0]);
        let mut there = item("p", "n", json!({ "N": "9" }), &"0".repeat(40));
        there[format!("t{slot:x}")] = json!({ "S": version });
        there[format!("m{slot:x}")] = json!({ "N": "1" });
        there[format!("r{slot:x}")] = json!({ "N": "5" });
        // It was the first attempt that was applied; the second asks on condition.
        failed(there)(sent)
    });
    let stub = Stub::new(vec![reset(), traced]);
    let told = stub.retried().increment(increment).await.expect("applied");
    let sent = stub.sent();
    assert_eq!((told.value, told.version.as_str()), (5, &*version(&sent[0])));
    let condition =
        |at: usize| sent[at].body["ConditionExpression"].as_str().expect("a condition").to_owned();
    assert!(!condition(0).contains(":began") && condition(1).contains(":began"));
}

#[tokio::test(start_paused = true)]
async fn an_increment_whose_answers_are_all_lost_is_indeterminate() {
    let stub = Stub::new(vec![reset(), reset(), reset()]);
    let increment = Increment::new(Key::new("p", "n"), 5, std::time::SystemTime::now());
    let error = stub.retried().increment(increment).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
}

fn transacted(sent: &Sent) -> &Vec<Value> {
    sent.body["TransactItems"].as_array().expect("items")
}

#[tokio::test(start_paused = true)]
async fn a_plain_transaction_is_repeated_to_the_letter() {
    let put = |sort: &str| Write::put(Key::new("p", sort), Bytes::from_static(b"1"));
    let in_progress = refusal(400, "TransactionInProgressException", json!({}));
    let stub = Stub::new(vec![reset(), in_progress, ok(json!({}))]);
    let versions = stub.retried().transact(vec![put("a"), put("b")]).await.expect("applied");
    let sent = stub.sent();
    assert!(sent[0].body["ClientRequestToken"].is_string());
    assert!(sent.iter().all(|one| one.body == sent[0].body), "DynamoDB takes only the same for a repetition");
    let first = transacted(&sent[0])[0]["Update"]["ExpressionAttributeValues"][":w"]["S"].as_str();
    assert_eq!(versions[0].as_ref().map(|version| version.as_str()), first);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_transaction_whose_answer_was_lost_finds_itself() {
    let reasons = json!([{ "Code": "ConditionalCheckFailed" }, { "Code": "None" }]);
    let refused = refusal(400, "TransactionCanceledException", json!({ "CancellationReasons": reasons }));
    let found = by(|sent| {
        let items: Vec<Value> = transacted(&sent[0])
            .iter()
            .map(|one| {
                let update = &one["Update"];
                let mut there = update["Key"].clone();
                there["v"] = update["ExpressionAttributeValues"][":v"].clone();
                there["w"] = update["ExpressionAttributeValues"][":w"].clone();
                there
            })
            .collect();
        json!({ "Responses": { "things": items } })
    });
    let stub = Stub::new(vec![reset(), refused, found]);
    let versions = stub.retried().transact(vec![create("a"), create("b")]).await.expect("applied");
    let sent = stub.sent();
    let first = transacted(&sent[0])[1]["Update"]["ExpressionAttributeValues"][":w"]["S"].as_str();
    assert_eq!(versions[1].as_ref().map(|version| version.as_str()), first);
    let token = |at: usize| sent[at].body["ClientRequestToken"].clone();
    assert_ne!(token(0), token(1), "what asks for the time is not the same to the letter");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_cancelled_by_a_rival_is_repeated() {
    let reasons = json!([{ "Code": "TransactionConflict" }, { "Code": "None" }]);
    let rival = refusal(400, "TransactionCanceledException", json!({ "CancellationReasons": reasons }));
    let stub = Stub::new(vec![rival, ok(json!({}))]);
    stub.retried().transact(vec![create("a"), create("b")]).await.expect("applied");
}
