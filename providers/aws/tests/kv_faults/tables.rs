//! Tables that are made and removed: whatever state they are in, and whoever else is at it.

use serde_json::{Value, json};
use skyport_core::provider::{Provider, ResourceKind, TableSettings};
use skyport_core::{ErrorKind, Result};

use crate::stub::{Answer, Stub, ok, refusal};

fn kind() -> ResourceKind {
    ResourceKind::Table(TableSettings::default())
}

async fn create(stub: &Stub) -> Result<()> {
    stub.provider().create(&"dynamodb://things".parse()?, &kind()).await
}

async fn remove(stub: &Stub) -> Result<()> {
    stub.provider().remove(&"dynamodb://things".parse()?, &kind()).await
}

fn operations(stub: &Stub) -> Vec<String> {
    assert!(stub.is_done(), "it stopped before the end of the script");
    stub.sent().into_iter().map(|sent| sent.operation).collect()
}

fn keyed(status: &str, partition: &str, kind: &str) -> Value {
    json!({ "Table": {
        "TableStatus": status,
        "TableId": "one",
        "KeySchema": [
            { "AttributeName": partition, "KeyType": "HASH" },
            { "AttributeName": "sk", "KeyType": "RANGE" },
        ],
        "AttributeDefinitions": [
            { "AttributeName": partition, "AttributeType": kind },
            { "AttributeName": "sk", "AttributeType": "S" },
        ],
    } })
}

fn table(status: &str) -> Answer {
    ok(keyed(status, "pk", "S"))
}

fn gone() -> Answer {
    refusal(400, "ResourceNotFoundException", json!({}))
}

fn in_use() -> Answer {
    refusal(400, "ResourceInUseException", json!({}))
}

fn expiry(status: &str, attribute: &str) -> Answer {
    ok(json!({ "TimeToLiveDescription": { "TimeToLiveStatus": status, "AttributeName": attribute } }))
}

fn no_expiry() -> Answer {
    ok(json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }))
}

#[tokio::test(start_paused = true)]
async fn a_table_is_made_on_demand_and_ready_when_create_returns() {
    let stub = Stub::new(vec![
        gone(),
        ok(json!({})),
        gone(),
        in_use(),
        table("CREATING"),
        table("ACTIVE"),
        no_expiry(),
        ok(json!({})),
    ]);
    create(&stub).await.expect("made");
    let expected = [
        "DescribeTable",
        "CreateTable",
        // It need not be seen at once.
        "DescribeTable",
        "CreateTable",
        "DescribeTable",
        "DescribeTable",
        "DescribeTimeToLive",
        "UpdateTimeToLive",
    ];
    assert_eq!(operations(&stub), expected);
    let sent = stub.sent();
    assert_eq!(sent[1].body["BillingMode"], "PAY_PER_REQUEST");
    let ours = json!({ "AttributeName": "exp", "Enabled": true });
    assert_eq!(sent[7].body["TimeToLiveSpecification"], ours);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_there_is_left_as_it_is() {
    let stub = Stub::new(vec![table("ACTIVE"), expiry("ENABLING", "exp")]);
    create(&stub).await.expect("there");
    assert_eq!(operations(&stub), ["DescribeTable", "DescribeTimeToLive"]);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_still_going_is_waited_for_and_made_anew() {
    let stub = Stub::new(vec![
        table("DELETING"),
        gone(),
        ok(json!({})),
        table("ACTIVE"),
        no_expiry(),
        // Another one turned it on in this moment.
        refusal(400, "ValidationException", json!({})),
        expiry("ENABLED", "exp"),
    ]);
    create(&stub).await.expect("made");
    assert_eq!(operations(&stub)[2], "CreateTable");
}

#[tokio::test(start_paused = true)]
async fn a_table_of_another_shape_is_a_conflict_that_says_what_to_do() {
    let shapes = [
        (vec![ok(keyed("ACTIVE", "id", "S"))], "`pk`"),
        (vec![ok(keyed("ACTIVE", "pk", "N"))], "`pk`"),
        (vec![table("ACTIVE"), expiry("ENABLED", "ttl")], "`exp`"),
        (vec![table("ACTIVE"), expiry("DISABLING", "exp")], "`exp`"),
        (vec![table("ARCHIVED")], "ARCHIVED"),
    ];
    for (script, named) in shapes {
        let stub = Stub::new(script);
        let error = create(&stub).await.expect_err("another shape");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(stub.is_done());
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_gets_ready_is_a_timeout() {
    let stub = Stub::new((0..200).map(|_| table("CREATING")).collect());
    assert_eq!(create(&stub).await.expect_err("never ready").kind(), ErrorKind::Timeout);
    let looks = stub.sent().len();
    assert!((100..150).contains(&looks), "{looks} looks in two minutes");
}

#[tokio::test(start_paused = true)]
async fn a_missing_table_is_removed_already() {
    let stub = Stub::new(vec![gone()]);
    remove(&stub).await.expect("gone");
    assert_eq!(operations(&stub), ["DescribeTable"]);
}

#[tokio::test(start_paused = true)]
async fn removal_waits_until_the_table_is_gone() {
    let stub = Stub::new(vec![
        table("CREATING"),
        in_use(),
        table("ACTIVE"),
        ok(json!({})),
        table("DELETING"),
        table("DELETING"),
        gone(),
    ]);
    remove(&stub).await.expect("removed");
    let deletes = operations(&stub).iter().filter(|one| *one == "DeleteTable").count();
    assert_eq!(deletes, 2, "the first was too early");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_another_made_anew_is_not_removed() {
    let mut anew = keyed("CREATING", "pk", "S");
    anew["Table"]["TableId"] = json!("two");
    let stub = Stub::new(vec![table("ACTIVE"), ok(json!({})), table("DELETING"), ok(anew)]);
    remove(&stub).await.expect("removed");
    assert_eq!(operations(&stub).iter().filter(|one| *one == "DeleteTable").count(), 1);
}

#[tokio::test]
async fn a_sweep_makes_sure_that_dynamodb_deletes_by_itself() {
    let stub = Stub::new(vec![expiry("ENABLED", "exp"), no_expiry(), gone()]);
    let table = stub.table();
    assert_eq!(table.sweep().await.expect("on"), 0);
    let error = table.sweep().await.expect_err("off");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`exp`"), "{error}");
    assert_eq!(table.sweep().await.expect_err("no table").kind(), ErrorKind::NotFound);
}
