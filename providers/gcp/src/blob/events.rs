//! Events of a bucket: it notifies a topic of Pub/Sub, which every subscriber has a subscription of its own to.
//!
//! One topic for all, since Cloud Storage tells one change to at most ten. What is new takes its time at Google: a change within the
//! first half minute after a bucket's first subscription may not be told.

use std::sync::Arc;

use gcloud_sdk::google::pubsub::v1 as wire;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::{Subscription, Wanted, bucket_prefix, subscription_name};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{ErrorKind, Result};

use super::call::{Call, Refused};
use super::{API, Gcs};
use crate::config::endpoint::Service;
use crate::config::{Connection, Gcp};
use crate::error;
use crate::provision::queue;
use crate::queue::calls::{publisher, topic};
use crate::queue::{Names, PubsubQueue};
use notices::GcsNotices;

mod admission;
mod notices;

/// How a configuration names a topic.
const TOPIC: &str = "//pubsub.googleapis.com/";

/// What is told of. An object that is deleted in a bucket with versions is told as archived.
const TYPES: [&str; 3] = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE"];

/// Who a bucket notifies.
#[derive(Deserialize)]
struct Configurations {
    #[serde(default)]
    items: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    id: String,
    #[serde(default)]
    topic: String,
}

impl Gcs {
    /// The queue of one subscriber; what it takes is made where it is not there.
    pub(super) async fn subscribe(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let pubsub = self.pubsub()?;
        let name = subscription_name(self.name(), &subscriber.name);
        let names = Names::new(&self.topic(), &name)?;
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscriber.max_attempts;
        // A missing bucket is said to be missing, and leaves no queue behind.
        self.configurations().await.map_err(|refused| self.not_listed(refused))?;
        let made = queue::make(&pubsub, &names, &settings).await?;
        admission::admit(&self.connection, &pubsub, &made.topic).await?;
        self.notify(&made.topic).await?;
        let inner = PubsubQueue::new(pubsub, names, &settings);
        let notices = GcsNotices::new(self.clone(), name, Wanted::by(subscriber));
        Ok(Arc::new(Subscription::new(Arc::new(notices), Arc::new(inner))))
    }

    /// Removes every subscription of this bucket, with its queue, where there are any.
    pub(crate) async fn unsubscribe_all(&self) -> Result<()> {
        let pubsub = self.pubsub()?;
        let configurations = match self.configurations().await {
            Ok(configurations) => configurations,
            Err(refused) if refused.is(StatusCode::NOT_FOUND) => return Ok(()),
            Err(refused) => return Err(refused.error),
        };
        let full = topic(&pubsub, &self.topic()).await?;
        let ours = format!("{TOPIC}{full}");
        if !configurations.items.iter().any(|one| one.topic == ours) {
            return Ok(());
        }
        let prefix = bucket_prefix(self.name());
        for name in subscriptions(&pubsub, &full).await? {
            // Others may listen, too: then the topic stays.
            if name.starts_with(&prefix) {
                queue::unmake(&pubsub, &Names::new(&self.topic(), &name)?).await?;
            }
        }
        for one in configurations.items.iter().filter(|one| one.topic == ours) {
            self.unnotify(&one.id).await?;
        }
        Ok(())
    }

    fn pubsub(&self) -> Result<Arc<Connection>> {
        Gcp::beside(&self.connection, Service::PubSub)
    }

    /// What the topic of this bucket is called.
    fn topic(&self) -> String {
        bucket_prefix(self.name()).trim_end_matches('-').to_owned()
    }

    /// Lets the bucket notify the topic, once. Others that it notifies stay.
    async fn notify(&self, topic: &str) -> Result<()> {
        let ours = format!("{TOPIC}{topic}");
        let there = self.configurations().await?;
        if there.items.iter().any(|one| one.topic == ours) {
            return Ok(());
        }
        let wanted = json!({ "topic": ours, "payload_format": "JSON_API_V1", "event_types": TYPES });
        self.on_configurations(Method::POST, &[]).json(&wanted).done().await?;
        // Cloud Storage takes the same one several times, and would then tell everything as often: of those that were made at the
        // same moment, one stays.
        let mut ids: Vec<String> =
            self.configurations().await?.items.into_iter().filter_map(of(&ours)).collect();
        ids.sort_unstable_by_key(|id| (id.len(), id.clone()));
        for id in ids.iter().skip(1) {
            self.unnotify(id).await?;
        }
        Ok(())
    }

    async fn unnotify(&self, id: &str) -> Result<()> {
        match self.on_configurations(Method::DELETE, &[id]).done().await {
            Err(refused) if !refused.is(StatusCode::NOT_FOUND) => Err(refused.error),
            _ => Ok(()),
        }
    }

    async fn configurations(&self) -> Result<Configurations, Refused> {
        self.on_configurations(Method::GET, &[]).read().await
    }

    fn on_configurations(&self, method: Method, rest: &[&str]) -> Call<'_> {
        let segments = [&["b", self.name(), "notificationConfigs"], rest].concat();
        Call::new(&self.connection, method, API, &segments)
    }
}

/// The id of a configuration for this topic.
fn of(topic: &str) -> impl Fn(Configuration) -> Option<String> {
    move |one| (one.topic == topic).then_some(one.id)
}

/// The names of a topic's subscriptions; of a missing topic none.
async fn subscriptions(pubsub: &Arc<Connection>, topic: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut request = wire::ListTopicSubscriptionsRequest { topic: topic.to_owned(), ..Default::default() };
    loop {
        let page = match publisher(pubsub)?.list_topic_subscriptions(request.clone()).await {
            Ok(page) => page.into_inner(),
            Err(status) => {
                let error = error::of_status(status);
                return if error.kind() == ErrorKind::NotFound { Ok(names) } else { Err(error) };
            }
        };
        let last = |full: String| full.rsplit('/').next().map(str::to_owned);
        names.extend(page.subscriptions.into_iter().filter_map(last));
        if page.next_page_token.is_empty() {
            return Ok(names);
        }
        request.page_token = page.next_page_token;
    }
}
