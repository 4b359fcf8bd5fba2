//! Batches: what was left undone is asked for again, in order, and not for ever.

use bytes::Bytes;
use serde_json::{Value, json};
use skyport_core::ErrorKind;
use skyport_core::kv::port::{Key, Write};

use crate::stub::{Answer, Sent, Stub, by, item, key, ok, refusal};

fn keys(sorts: &[&str]) -> Vec<Key> {
    sorts.iter().map(|sort| Key::new("p", *sort)).collect()
}

fn asked(sent: &Sent) -> Vec<String> {
    let keys = sent.body["RequestItems"]["things"]["Keys"].as_array().expect("keys");
    keys.iter().map(|key| key["sk"]["S"].as_str().expect("a text")[1..].to_owned()).collect()
}

fn text(value: &str) -> Value {
    json!({ "B": base64(value) })
}

/// As DynamoDB writes bytes.
fn base64(text: &str) -> String {
    aws_smithy_types::base64::encode(text)
}

fn read(found: &[Value], unprocessed: &[&str]) -> Answer {
    let left: Vec<Value> = unprocessed.iter().map(|sort| key("p", sort)).collect();
    let mut body = json!({ "Responses": { "things": found }, "UnprocessedKeys": {} });
    if !left.is_empty() {
        body["UnprocessedKeys"] = json!({ "things": { "Keys": left } });
    }
    ok(body)
}

#[tokio::test(start_paused = true)]
async fn unprocessed_keys_are_asked_again_in_order_and_only_they() {
    let one = |sort: &str| item("p", sort, text(sort), "1");
    let stub = Stub::new(vec![
        read(&[one("a")], &["d", "b", "c"]),
        read(&[one("c")], &["d", "b"]),
        read(&[one("b")], &["d"]),
        read(&[], &[]),
    ]);
    let found = stub.table().get_many(keys(&["a", "b", "c", "d", "a"])).await;
    let found: Vec<Option<Bytes>> =
        found.into_iter().map(|result| result.expect("read").map(|item| item.value)).collect();
    let there = |text: &'static str| Some(Bytes::from(text));
    assert_eq!(found, [there("a"), there("b"), there("c"), None, there("a")]);
    let asked: Vec<Vec<String>> = stub.sent().iter().map(asked).collect();
    assert_eq!(asked, [vec!["a", "b", "c", "d"], vec!["b", "c", "d"], vec!["b", "d"], vec!["d"]]);
    for sent in stub.sent() {
        assert_eq!(sent.body["RequestItems"]["things"]["ConsistentRead"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_stay_unprocessed_are_throttled_and_never_missing() {
    let mut script = vec![read(&[item("p", "a", text("a"), "1")], &["b"])];
    script.extend((0..5).map(|_| read(&[], &["b"])));
    let stub = Stub::new(script);
    let mut found = stub.table().get_many(keys(&["a", "b"])).await.into_iter();
    assert!(found.next().expect("a result").expect("read").is_some());
    let error = found.next().expect("a result").expect_err("never read");
    assert_eq!(
        (error.kind(), error.is_retryable(), error.is_ambiguous()),
        (ErrorKind::Throttled, true, false)
    );
    assert!(stub.is_done(), "it was given up too early");
}

#[tokio::test]
async fn many_keys_go_out_a_hundred_at_a_time_and_a_batch_fails_alone() {
    let sorts: Vec<String> = (0..250).map(|number| format!("{number:03}")).collect();
    let all = sorts.iter().map(|sort| Key::new("p", sort.as_str())).collect();
    let throttled = refusal(400, "ProvisionedThroughputExceededException", json!({}));
    let stub = Stub::new(vec![read(&[], &[]), throttled, read(&[], &[])]);
    let found = stub.table().get_many(all).await;
    let batches: Vec<Vec<String>> = stub.sent().iter().map(asked).collect();
    let mut all_asked = batches.concat();
    all_asked.sort_unstable();
    assert_eq!(all_asked, sorts);
    assert!(batches.iter().all(|batch| batch.len() <= 100) && batches.len() == 3);
    for (sort, result) in sorts.iter().zip(&found) {
        let failed = batches[1].contains(sort);
        assert_eq!(
            result.as_ref().err().map(|error| error.kind()),
            failed.then_some(ErrorKind::Throttled),
            "{sort}"
        );
    }
}

fn put(sort: &str) -> Write {
    Write::put(Key::new("p", sort), Bytes::from(format!("{sort:?}")))
}

fn writes(sent: &Sent) -> Vec<Value> {
    sent.body["RequestItems"]["things"].as_array().expect("writes").clone()
}

fn written(sent: &Sent) -> Vec<String> {
    let sort = |write: &Value| {
        let key = if write["PutRequest"].is_object() {
            &write["PutRequest"]["Item"]
        } else {
            &write["DeleteRequest"]["Key"]
        };
        key["sk"]["S"].as_str().expect("a text")[1..].to_owned()
    };
    writes(sent).iter().map(sort).collect()
}

/// Leaves these of the last request undone, the last first.
fn undone(places: &'static [usize]) -> Answer {
    by(move |sent| {
        let writes = writes(sent.last().expect("a request"));
        let left: Vec<&Value> = places.iter().rev().map(|place| &writes[*place]).collect();
        if left.is_empty() { json!({}) } else { json!({ "UnprocessedItems": { "things": left } }) }
    })
}

#[tokio::test(start_paused = true)]
async fn unprocessed_writes_are_sent_again_as_they_were_and_only_they() {
    let stub = Stub::new(vec![undone(&[1, 2, 3]), undone(&[0, 2]), undone(&[])]);
    let results =
        stub.table().write_many(vec![put("a"), put("b"), Write::delete(Key::new("p", "c")), put("d")]).await;
    let versions: Vec<Option<String>> = results
        .into_iter()
        .map(|result| result.expect("written").map(|version| version.as_str().to_owned()))
        .collect();
    let sent = stub.sent();
    let orders: Vec<Vec<String>> = sent.iter().map(written).collect();
    assert_eq!(orders, [vec!["a", "b", "c", "d"], vec!["b", "c", "d"], vec!["b", "d"]]);
    assert_eq!(writes(&sent[2]), [writes(&sent[0])[1].clone(), writes(&sent[0])[3].clone()]);
    for (place, version) in versions.iter().enumerate() {
        let told = writes(&sent[0])[place]["PutRequest"]["Item"]["w"]["S"].as_str().map(str::to_owned);
        assert_eq!(*version, told, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn writes_that_stay_undone_are_throttled_each_for_itself() {
    let mut script = vec![undone(&[1])];
    script.extend((0..5).map(|_| undone(&[0])));
    let stub = Stub::new(script);
    let results = stub.table().write_many(vec![put("a"), put("b"), put("c")]).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    let error = results[1].as_ref().expect_err("never written");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Throttled, false));
    assert!(stub.is_done(), "it was given up too early");
}

#[tokio::test(start_paused = true)]
async fn an_error_after_a_part_was_written_is_the_rests_alone() {
    let stub = Stub::new(vec![undone(&[1]), refusal(500, "InternalServerError", json!({}))]);
    let results = stub.table().write_many(vec![put("a"), put("b")]).await;
    assert!(results[0].is_ok());
    let error = results[1].as_ref().expect_err("unknown");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, true));
}

#[tokio::test(start_paused = true)]
async fn writes_go_out_25_at_a_time_and_retries_repeat_only_what_failed() {
    let all: Vec<Write> = (0..60).map(|number| put(&format!("{number:02}"))).collect();
    let throttled = refusal(400, "ThrottlingException", json!({}));
    let stub = Stub::new(vec![undone(&[]), throttled, undone(&[]), undone(&[])]);
    let results = stub.retried().write_many(all).await;
    assert!(results.iter().all(Result::is_ok));
    let sent = stub.sent();
    let sizes = |sent: &[Sent]| sent.iter().map(|one| written(one).len()).collect::<Vec<_>>();
    let mut first = sizes(&sent[..3]);
    first.sort_unstable();
    assert_eq!(first, [10, 25, 25]);
    assert_eq!(written(&sent[3]), written(&sent[1]));
    let version = |sent: &Sent| writes(sent)[0]["PutRequest"]["Item"]["w"]["S"].clone();
    assert_ne!(version(&sent[3]), version(&sent[1]), "a version is never used twice");
}

/// Answers that no service gives, and that must do no harm.
#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_is_not_taken() {
    let stranger = json!({ "PutRequest": { "Item": item("q", "x", text("x"), "1") } });
    let stub = Stub::new(vec![
        ok(json!({ "UnprocessedItems": { "things": [stranger] } })),
        read(&[item("q", "x", text("x"), "1")], &["z"]),
    ]);
    let table = stub.table();
    assert!(table.write_many(vec![put("a")]).await[0].is_ok());
    let found = table.get_many(keys(&["a"])).await;
    assert!(matches!(&found[..], [Ok(None)]), "{found:?}");
    assert!(stub.is_done());
}
