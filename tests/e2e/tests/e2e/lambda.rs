//! The photos as a Lambda function: deployed by their template, called through their Function URL, with events that fire.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use skyport_e2e::aws::Stack;
use skyport_e2e::pictures::{decode, jpeg_turned};
use skyport_e2e::{Http, request, until, within};

const LIMIT: Duration = Duration::from_secs(240);

/// How long an event may take to come, and its function to start and to do its work.
const SOON: Duration = Duration::from_secs(60);

fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/deploy/aws.yaml")
}

async fn photo(client: &Http, stack: &Stack, name: &str) -> Option<Value> {
    let answer = client.get(&stack.url("/photos")).await.assert_status(200);
    answer.json::<Vec<Value>>().into_iter().find(|photo| photo["name"] == name)
}

#[tokio::test]
async fn photos_work_as_a_lambda_function_with_every_trigger() {
    within(LIMIT, async {
        let stack = Stack::deploy("photos", &template()).await;
        let client = Http::new();
        let url = stack.url("/photos/cat.jpg");
        let cat = jpeg_turned(800, 600, 6);

        // HTTP -> bucket -> event -> queue -> event -> bucket and table -> HTTP.
        client.put(&url, cat.clone()).await.assert_status(201);
        let small = stack.url("/thumbnails/cat.jpg");
        until("the thumbnail is there", SOON, async || client.get(&small).await.status == 200).await;
        let small = client.get(&small).await.assert_status(200);
        assert_eq!(small.header("content-type"), Some("image/jpeg"));
        let picture = decode(&small.body);
        assert_eq!((picture.width(), picture.height()), (192, 256), "upright");
        until("the catalogue tells so", SOON, async || {
            photo(&client, &stack, "cat.jpg").await.is_some_and(|photo| photo["state"] == "ready")
        })
        .await;

        // Bodies are binary both ways; statuses are the application's.
        assert!(client.get(&url).await.assert_status(200).body == cat, "other bytes");
        client.put(&url, cat.clone()).await.assert_status(409);
        client.get(&stack.url("/photos/dog.jpg")).await.assert_status(404);
        client.put(&stack.url("/photos/text.jpg"), "no picture").await.assert_status(422);
        let refused = client.send(request(Method::PATCH, &url, "x")).await.assert_status(405);
        assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET")), "{refused:?}");

        // A signed URL goes to the bucket itself.
        let share: Value = client.post(&stack.url("/photos/cat.jpg/share")).await.assert_status(200).json();
        let shared = client.get(share["url"].as_str().expect("a URL")).await.assert_status(200);
        assert!(shared.body == cat, "other bytes");

        // A picture that cannot be decoded ends in the dead letters, and is shown as failed.
        let cut = cat[..200].to_vec();
        client.put(&stack.url("/photos/cut.jpg"), cut).await.assert_status(201);
        until("the catalogue shows it as failed", SOON, async || {
            photo(&client, &stack, "cut.jpg").await.is_some_and(|photo| photo["state"] == "failed")
        })
        .await;
        let dead = format!("{}-resize-dead", stack.name());
        until("its job is a dead letter", SOON, async || {
            let queue = stack.call("sqs", &[("Action", "GetQueueUrl"), ("QueueName", &dead)]).await;
            let queue = between(&queue, "<QueueUrl>", "</QueueUrl>").to_owned();
            let ask = [
                ("Action", "GetQueueAttributes"),
                ("QueueUrl", queue.as_str()),
                ("AttributeName.1", "ApproximateNumberOfMessages"),
            ];
            between(&stack.call("sqs", &ask).await, "<Value>", "</Value>") == "1"
        })
        .await;

        // A deletion is an event, too.
        client.delete(&url).await.assert_status(204);
        until("the catalogue has forgotten it", SOON, async || {
            photo(&client, &stack, "cat.jpg").await.is_none()
        })
        .await;

        // The schedule, as EventBridge sends it.
        let rule = format!("arn:aws:events:us-east-1:000000000000:rule/{}-sweep", stack.name());
        let event = serde_json::json!({
            "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "000000000000", "time": "2026-11-26T03:00:00Z", "region": "us-east-1",
            "resources": [rule], "detail": {},
        });
        let swept = stack.invoke(&event.to_string()).await.assert_status(200);
        assert_eq!(swept.header("x-amz-function-error"), None, "{}", swept.text());

        // What no function is for is told to whoever sends it.
        let kinesis = r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{}}]}"#;
        let refused = stack.invoke(kinesis).await;
        assert!(refused.header("x-amz-function-error").is_some(), "{refused:?}");
        assert!(refused.text().contains("Kinesis"), "{}", refused.text());
        stack.delete().await;
    })
    .await;
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let found = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.unwrap_or_else(|| panic!("no {start} in {text}")).0
}
