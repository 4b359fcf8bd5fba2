//! The photos as a Lambda function: deployed by their template, called through their Function URL, with events that fire.

use std::path::PathBuf;
use std::time::Duration;

use skyport_e2e::aws::Stack;
use skyport_e2e::photos::{Photos, SOON};
use skyport_e2e::{until, within};

const LIMIT: Duration = Duration::from_secs(240);

fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/deploy/aws.yaml")
}

#[tokio::test]
async fn photos_work_as_a_lambda_function_with_every_trigger() {
    within(LIMIT, async {
        let stack = Stack::deploy("photos", &template()).await;
        let photos = Photos::at(stack.url(""));
        photos.a_picture_becomes_small_and_stands_in_the_catalogue().await;
        photos.answers_are_the_applications().await;
        photos.a_shared_picture_is_read_from_the_bucket().await;

        photos.a_picture_cut_short_fails().await;
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

        photos.a_picture_that_is_deleted_is_forgotten().await;

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
