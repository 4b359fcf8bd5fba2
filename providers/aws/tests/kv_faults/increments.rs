//! What an increment makes of the item that its failed condition brings.

use serde_json::{Value, json};
use skyport_core::clock::to_millis;
use skyport_core::kv::port::{Increment, Key};
use skyport_core::kv::slots::slot_of;
use skyport_core::{ErrorKind, Token};

use crate::stub::{Answer, Stub, item, ok, refusal};

const SEEN: &str = "0123456789abcdef0123456789abcdef00000000";

fn increment(by: i64, repeated: bool) -> Increment {
    let mut increment = Increment::new(Key::new("p", "n"), by, std::time::SystemTime::now());
    increment.repeated = repeated;
    increment
}

fn failed(there: Value) -> Answer {
    refusal(400, "ConditionalCheckFailedException", json!({ "Item": there }))
}

fn counter(value: Value) -> Value {
    item("p", "n", value, SEEN)
}

/// A counter with the trace of an increment.
fn traced(token: Token, millis: u64) -> Value {
    let slot = slot_of(token);
    let mut there = counter(json!({ "N": "12" }));
    there[format!("t{slot:x}")] = json!({ "S": format!("{token}0000002a") });
    there[format!("m{slot:x}")] = json!({ "N": millis.to_string() });
    there[format!("r{slot:x}")] = json!({ "N": "7" });
    there
}

#[tokio::test]
async fn its_own_trace_is_its_result() {
    let increment = increment(3, true);
    let stub = Stub::new(vec![failed(traced(increment.token, 5))]);
    let told = stub.table().increment(increment.clone()).await.expect("applied");
    assert_eq!((told.value, told.version.as_str()), (7, &*format!("{}0000002a", increment.token)));
}

#[tokio::test]
async fn another_trace_since_it_began_is_indeterminate_when_it_is_repeated() {
    let increment = increment(3, true);
    let began = to_millis(increment.started);
    let rival = Token::from_bits(increment.token.to_bits() ^ (1 << 80));
    let mut batched = counter(json!({ "N": "12" }));
    batched["b"] = json!({ "N": (began + 1).to_string() });
    for there in [traced(rival, began), batched] {
        let stub = Stub::new(vec![failed(there)]);
        let error = stub.table().increment(increment.clone()).await.expect_err("nobody knows");
        assert_eq!(error.kind(), ErrorKind::Indeterminate);
        let condition = stub.sent()[0].body["ConditionExpression"].as_str().expect("a condition").to_owned();
        assert!(condition.contains("b < :began"), "{condition}");
    }
}

#[tokio::test]
async fn an_expired_counter_begins_anew_on_condition_that_it_is_still_that_one() {
    let mut there = traced(Token::new(), 5);
    there["u"] = json!({ "N": "1000" });
    let stub = Stub::new(vec![failed(there), ok(json!({}))]);
    let told = stub.table().increment(increment(3, false)).await.expect("counted");
    assert_eq!(told.value, 3);
    let again = stub.sent().pop().expect("a request").body;
    assert_eq!(again["ConditionExpression"], "w = :seen");
    assert_eq!(again["ExpressionAttributeValues"][":seen"]["S"], SEEN);
    assert!(again["UpdateExpression"].as_str().expect("an update").ends_with("REMOVE u, exp"));
}

/// Digits that are an integer in JSON, and not as DynamoDB would write them, lie as bytes.
#[tokio::test]
async fn an_integer_in_another_spelling_is_read_and_set() {
    let there = counter(json!({ "B": aws_smithy_types::base64::encode(" 41 ") }));
    let stub = Stub::new(vec![failed(there.clone()), failed(there), ok(json!({}))]);
    let told = stub.table().increment(increment(1, false)).await.expect("counted");
    assert_eq!(told.value, 42);
    let set = stub.sent().pop().expect("a request").body;
    assert_eq!(set["ExpressionAttributeValues"][":sum"]["N"], "42");
    assert!(!set["UpdateExpression"].as_str().expect("an update").contains("u ="), "the expiry stays");
}

#[tokio::test]
async fn a_counter_without_an_expiry_gets_none_by_an_increment_with_one() {
    let counted = ok(json!({ "Attributes": { "v": { "N": "13" } } }));
    let stub = Stub::new(vec![failed(counter(json!({ "N": "12" }))), counted]);
    let mut increment = increment(1, false);
    increment.expires = Some(increment.started);
    assert_eq!(stub.table().increment(increment).await.expect("counted").value, 13);
    let update = |at: usize| stub.sent()[at].body["UpdateExpression"].as_str().expect("an update").to_owned();
    assert!(update(0).contains("exp = if_not_exists(exp, :exp)"));
    assert!(!update(1).contains("exp"));
}

#[tokio::test]
async fn a_counter_that_is_deleted_between_two_requests_is_created_with_its_expiry() {
    let gone = refusal(400, "ConditionalCheckFailedException", json!({}));
    let counted = ok(json!({ "Attributes": { "v": { "N": "1" } } }));
    let stub = Stub::new(vec![failed(counter(json!({ "N": "12" }))), gone, counted]);
    let mut increment = increment(1, false);
    increment.expires = Some(increment.started);
    assert_eq!(stub.table().increment(increment).await.expect("counted").value, 1);
    let of = |at: usize, part: &str| stub.sent()[at].body[part].as_str().expect("text").to_owned();
    let condition = of(1, "ConditionExpression");
    assert!(condition.ends_with(" AND attribute_exists(pk)"), "{condition}");
    assert!(of(2, "UpdateExpression").contains("exp = if_not_exists(exp, :exp)"));
    assert!(!of(2, "ConditionExpression").contains("attribute_exists(pk)"));
}

#[tokio::test]
async fn what_is_no_counter_is_refused_and_its_value_stays_out_of_errors() {
    let text = counter(json!({ "B": aws_smithy_types::base64::encode("\"secret\"") }));
    for (there, by) in [
        (text, 1),
        (counter(json!({ "N": "1.5" })), 1),
        (counter(json!({ "N": i64::MAX.to_string() })), 1),
        (counter(json!({ "N": i64::MIN.to_string() })), -1),
    ] {
        let stub = Stub::new(vec![failed(there)]);
        let error = stub.table().increment(increment(by, false)).await.expect_err("no counter");
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::InvalidArgument, false));
        let all = format!("{error} {error:?} {error:#?}");
        assert!(!all.contains("secret") && !all.contains("InNlY3JldCI"), "{all}");
    }
}

#[tokio::test]
async fn a_counter_that_others_change_all_the_time_is_a_conflict_in_the_end() {
    let there = || failed(counter(json!({ "B": aws_smithy_types::base64::encode("007") })));
    let stub = Stub::new((0..8).map(|_| there()).collect());
    let error = stub.table().increment(increment(1, false)).await.expect_err("never alone");
    assert_eq!(
        (error.kind(), error.is_retryable(), error.is_ambiguous()),
        (ErrorKind::Conflict, true, false)
    );
    assert!(stub.is_done());
}

/// DynamoDB also adds to a number that is no integer, which only a foreign hand can have written.
#[tokio::test]
async fn what_was_applied_and_is_no_counter_may_have_been_applied() {
    for answer in [json!({ "Attributes": { "v": { "N": "2.5" } } }), json!({})] {
        let stub = Stub::new(vec![ok(answer)]);
        let error = stub.table().increment(increment(1, false)).await.expect_err("no integer");
        assert!(error.is_ambiguous() && !error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn a_slot_is_never_written_with_a_time_before_the_one_that_is_there() {
    let increment = increment(3, false);
    let ahead = to_millis(increment.started) + 60_000;
    let rival = Token::from_bits(increment.token.to_bits() ^ (1 << 80));
    let added = ok(json!({ "Attributes": { "v": { "N": "15" } } }));
    let stub = Stub::new(vec![failed(traced(rival, ahead)), added]);
    let told = stub.table().increment(increment.clone()).await.expect("counted");
    assert_eq!(told.value, 15);
    let (sent, slot) = (stub.sent(), slot_of(increment.token));
    for (request, least) in sent.iter().zip([to_millis(increment.started), ahead]) {
        let condition = request.body["ConditionExpression"].as_str().expect("a condition");
        assert!(condition.ends_with(&format!("m{slot:x} <= :at)")), "{condition}");
        let update = request.body["UpdateExpression"].as_str().expect("an update");
        assert!(update.contains(&format!("m{slot:x} = :at")), "{update}");
        let at = request.body["ExpressionAttributeValues"][":at"]["N"].as_str().expect("a number");
        assert!(at.parse::<u64>().expect("digits") >= least, "{at}");
    }
    assert_eq!(sent[1].body["ExpressionAttributeValues"][":at"]["N"], ahead.to_string());
}
