//! What an event is. Nothing in it says so outright: its sources are told apart by what only they have, in an order in which
//! none is taken for another.

use serde_json::Value;
use skyport_aws_wire::s3;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Messages of a queue.
    Sqs,
    /// S3, directly or through EventBridge.
    S3,
    /// Notifications of a topic; perhaps with S3's events in them.
    Sns,
    /// A notification was set up.
    S3Test,
    /// A schedule of EventBridge.
    Schedule,
    /// A schedule of ours, in the input that a schedule was given.
    Marked,
    /// A request through a load balancer.
    Alb,
    /// A request through a Function URL, or an HTTP API with payload format 2.0.
    HttpV2,
    /// A request through a REST API, or an HTTP API with payload format 1.0.
    HttpV1,
    /// Something that no function can be for; what it is, and what to do instead.
    Refused(&'static str, &'static str),
}

const TO_A_QUEUE: &str = "let its source send to a queue, and declare a function for that queue";
const NOT_IN_SKYPORT: &str = "use a function of its own for it, outside of Skyport";

/// What the event is.
pub(crate) fn kind(event: &Value) -> Kind {
    of_records(event)
        .or_else(|| s3::is_test(event).then_some(Kind::S3Test))
        .or_else(|| of_eventbridge(event))
        .or_else(|| of_gateways(event))
        .or_else(|| event["skyport"]["schedule"].is_string().then_some(Kind::Marked))
        .unwrap_or(Kind::Refused(
            "an event that Skyport does not know",
            "a schedule with an input of its own needs a marker in it: \
             {\"skyport\":{\"schedule\":\"<function>\",\"scheduled\":\"<aws.scheduler.scheduled-time>\"}}",
        ))
}

fn of_records(event: &Value) -> Option<Kind> {
    let first = event["Records"].get(0)?;
    // SNS alone writes it with a capital.
    let source = first["eventSource"].as_str().or_else(|| first["EventSource"].as_str());
    Some(match source {
        Some("aws:sqs") => Kind::Sqs,
        Some("aws:s3") => Kind::S3,
        Some("aws:sns") => Kind::Sns,
        Some("aws:dynamodb") => Kind::Refused("changes of a DynamoDB table", NOT_IN_SKYPORT),
        Some("aws:kinesis") => Kind::Refused("records of a Kinesis stream", NOT_IN_SKYPORT),
        Some("aws:ses") => Kind::Refused("mail from SES", TO_A_QUEUE),
        Some("aws:codecommit") => Kind::Refused("an event of CodeCommit", TO_A_QUEUE),
        _ => Kind::Refused("records of a source that Skyport does not know", TO_A_QUEUE),
    })
}

fn of_eventbridge(event: &Value) -> Option<Kind> {
    let (kind, source) = (event["detail-type"].as_str()?, event["source"].as_str()?);
    Some(match (kind, source) {
        ("Scheduled Event", "aws.events" | "aws.scheduler") => Kind::Schedule,
        (_, "aws.s3") => Kind::S3,
        _ => Kind::Refused(
            "an event of EventBridge",
            "let the rule send to a queue, and declare a function for that queue",
        ),
    })
}

fn of_gateways(event: &Value) -> Option<Kind> {
    let context = &event["requestContext"];
    if context["elb"].is_object() {
        return Some(Kind::Alb);
    }
    let authorizer = event["methodArn"].is_string()
        || event["routeArn"].is_string()
        || matches!(event["type"].as_str(), Some("TOKEN" | "REQUEST"));
    if authorizer {
        return Some(Kind::Refused("a question to an authorizer of API Gateway", NOT_IN_SKYPORT));
    }
    if context["http"].is_object() {
        return Some(Kind::HttpV2);
    }
    if context["connectionId"].is_string() {
        return Some(Kind::Refused("an event of a websocket", NOT_IN_SKYPORT));
    }
    if event["httpMethod"].is_string() && context.is_object() {
        return Some(Kind::HttpV1);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    const SAMPLES: &str = include_str!("../../tests/samples/events.jsonl");

    fn label(kind: Kind) -> String {
        match kind {
            Kind::Refused(what, _) => what.to_owned(),
            kind => format!("{kind:?}"),
        }
    }

    #[test]
    fn every_sample_of_every_service_is_taken_for_what_it_is() {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for line in SAMPLES.lines() {
            let (name, expected, event): (String, String, Value) =
                serde_json::from_str(line).expect("a sample");
            let found = label(kind(&event));
            if found != expected {
                wrong.push(format!("{name} is {expected} and was taken for {found}"));
            }
            *counts.entry(found).or_default() += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(
            counts.values().sum::<usize>() > 200 && counts["Sqs"] >= 3 && counts["HttpV2"] >= 7,
            "{counts:?}"
        );
    }

    #[test]
    fn what_the_samples_lack_is_told_apart_too() {
        for (event, expected) in [
            (json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}), "S3Test"),
            (json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {}}), "S3"),
            (
                json!({"detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
                "Schedule",
            ),
            (json!({"detail-type": "Scheduled Event", "source": "mine"}), "an event of EventBridge"),
            (json!({"skyport": {"schedule": "sweep"}}), "Marked"),
            // A body of a request is not looked into.
            (json!({"requestContext": {"http": {"method": "POST"}}, "body": "{\"Records\":[]}"}), "HttpV2"),
            (json!({"Records": []}), "an event that Skyport does not know"),
            (json!({"Records": "aws:sqs"}), "an event that Skyport does not know"),
            (json!([1, 2]), "an event that Skyport does not know"),
            (json!(null), "an event that Skyport does not know"),
            (json!("text"), "an event that Skyport does not know"),
        ] {
            assert_eq!(label(kind(&event)), expected, "{event}");
        }
    }
}
