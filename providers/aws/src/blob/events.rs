//! Events of a bucket: who is told of them, and by what way.
//!
//! A bucket's own notifications cannot do it: S3 refuses two of them for one type of event. So the bucket tells EventBridge, which has
//! a rule for each subscriber, with a queue of its own behind it. What else the bucket notifies stays as it is.
//!
//! What is new takes its time at AWS: minutes, until a bucket that had told nobody tells EventBridge.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eventbridge::types::{RuleState, Target};
use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::{Subscription, Wanted, bucket_prefix, subscription_name};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::backoff;
use skyport_core::{Error, ErrorKind, Result};

use super::S3;
use crate::error;
use crate::provision::{NAME, queue};
use crate::queue::{SqsQueue, names};
use subscription::S3Notices;

mod subscription;

/// The one target of each rule.
const TARGET: &str = "queue";
/// How often the bucket's configuration is written, should somebody else write another one at the same moment.
const ROUNDS: u32 = 5;
/// The pause before it is read again: S3 may still tell the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl S3 {
    /// The queue of one subscriber; what it takes is made where it is not there.
    pub(super) async fn subscribe(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        self.tell_eventbridge().await?;
        let name = subscription_name(self.name(), &subscriber.name);
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscriber.max_attempts;
        let url = queue::make(&self.connection, &name, &settings).await?;
        let rule = self.put_rule(&name, subscriber).await?;
        let arn = queue::settled(&name, || self.admit(&url, &rule)).await?;
        // Last, since what a rule cannot deliver is lost.
        self.put_target(&name, &arn).await?;
        let inner = SqsQueue::new(Arc::clone(&self.connection), names(&name, false)?, &settings);
        let notices = S3Notices::new(self.clone(), Wanted::by(subscriber));
        Ok(Arc::new(Subscription::new(Arc::new(notices), Arc::new(inner))))
    }

    /// Removes every subscription of this bucket, with its queue.
    pub(crate) async fn unsubscribe_all(&self) -> Result<()> {
        let client = self.connection.eventbridge().await;
        let mut next = None;
        loop {
            let list = client.list_rules().name_prefix(bucket_prefix(self.name())).set_next_token(next);
            let page = match Box::pin(list.send()).await.map_err(error::of) {
                Ok(page) => page,
                // Whoever may not look for rules did not make any.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    let prefix = bucket_prefix(self.name());
                    tracing::warn!(%error, %prefix, "rules of EventBridge that begin so, if there are any, stay");
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            for rule in page.rules() {
                // A name is shortened: the pattern tells whose rule it is.
                if let (Some(name), Some(true)) =
                    (rule.name(), rule.event_pattern().map(|text| self.is_told_by(text)))
                {
                    self.unsubscribe(name).await?;
                }
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    async fn unsubscribe(&self, name: &str) -> Result<()> {
        let client = self.connection.eventbridge().await;
        let targets = client.remove_targets().rule(name).ids(TARGET);
        gone_is_fine(Box::pin(targets.send()).await.map(drop).map_err(error::of))?;
        gone_is_fine(Box::pin(client.delete_rule().name(name).send()).await.map(drop).map_err(error::of))?;
        queue::remove(&self.connection, name, &QueueSettings::default()).await
    }

    /// Lets the bucket tell EventBridge, and keeps all else that it notifies.
    async fn tell_eventbridge(&self) -> Result<()> {
        let client = self.client().await;
        for round in 0..ROUNDS {
            if round > 0 {
                // Nobody tells when S3 knows a configuration everywhere.
                tokio::time::sleep(backoff(FIRST_PAUSE, LONGEST_PAUSE, round)).await;
            }
            let read = client.get_bucket_notification_configuration().bucket(self.name());
            let told = Box::pin(read.send()).await.map_err(error::of)?;
            if told.event_bridge_configuration.is_some() {
                return Ok(());
            }
            let configuration = NotificationConfiguration::builder()
                .set_topic_configurations(told.topic_configurations)
                .set_queue_configurations(told.queue_configurations)
                .set_lambda_function_configurations(told.lambda_function_configurations)
                .event_bridge_configuration(EventBridgeConfiguration::builder().build())
                .build();
            let write = client
                .put_bucket_notification_configuration()
                .bucket(self.name())
                .notification_configuration(configuration)
                // What is there already is not ours to judge.
                .skip_destination_validation(true);
            Box::pin(write.send()).await.map_err(error::of)?;
            // Read again: S3 has no condition for this, and somebody may have written over it.
        }
        let text =
            "the bucket's notifications are being changed by others all the time: subscribe again later";
        Err(Error::new(ErrorKind::Conflict, text).with_provider(NAME))
    }

    /// The rule for a subscriber; gives its ARN.
    async fn put_rule(&self, name: &str, subscriber: &Subscriber) -> Result<String> {
        let wanted = [(subscriber.created, "Object Created"), (subscriber.deleted, "Object Deleted")];
        let types: Vec<&str> =
            wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect();
        // A pattern that wants nothing is not allowed: the rule is there, and off.
        let state = if types.is_empty() { RuleState::Disabled } else { RuleState::Enabled };
        let types = if types.is_empty() { vec!["Object Created"] } else { types };
        let put = self.connection.eventbridge().await.put_rule().name(name).state(state);
        let put = put
            .event_pattern(self.pattern(&types).to_string())
            .description(format!("Events of the bucket {} for a subscriber of Skyport", self.name()));
        let answer = Box::pin(put.send()).await.map_err(error::of)?;
        answer
            .rule_arn
            .ok_or_else(|| Error::internal("EventBridge named no ARN for a rule").with_provider(NAME))
    }

    fn pattern(&self, types: &[&str]) -> Value {
        json!({ "source": ["aws.s3"], "detail-type": types, "detail": { "bucket": { "name": [self.name()] } } })
    }

    /// Whether a rule with this pattern is one of this bucket.
    fn is_told_by(&self, pattern: &str) -> bool {
        let pattern = serde_json::from_str::<Value>(pattern).unwrap_or_default();
        pattern["detail"] == self.pattern(&[])["detail"]
    }

    /// Lets the rule, and nobody else, send to the queue; gives the queue's ARN.
    async fn admit(&self, url: &str, rule: &str) -> Result<String> {
        let client = self.connection.sqs().await;
        let told = queue::attributes(client, url, vec![Name::QueueArn, Name::Policy]).await?;
        let arn = told.get(&Name::QueueArn).cloned();
        let arn =
            arn.ok_or_else(|| Error::internal("SQS does not tell an attribute that every queue has"))?;
        let policy = policy(&arn, rule);
        let there = told.get(&Name::Policy).and_then(|text| serde_json::from_str::<Value>(text).ok());
        if there.as_ref() != Some(&policy) {
            let attributes = HashMap::from([(Name::Policy, policy.to_string())]);
            let write = client.set_queue_attributes().queue_url(url).set_attributes(Some(attributes));
            Box::pin(write.send()).await.map_err(error::of)?;
        }
        Ok(arn)
    }

    async fn put_target(&self, rule: &str, arn: &str) -> Result<()> {
        let target = Target::builder().id(TARGET).arn(arn).build();
        let target = target.map_err(error::unmade)?;
        let put = self.connection.eventbridge().await.put_targets().rule(rule).targets(target);
        let answer = Box::pin(put.send()).await.map_err(error::of)?;
        match answer.failed_entries.unwrap_or_default().first() {
            Some(failed) => Err(error::answered(failed.error_code(), failed.error_message(), 0)),
            None => Ok(()),
        }
    }
}

/// Who may send to a subscriber's queue.
fn policy(queue: &str, rule: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "SkyportEvents",
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": { "ArnEquals": { "aws:SourceArn": rule } },
        }],
    })
}

/// What is to be removed may be gone already.
fn gone_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
