//! Events of a bucket: it notifies a topic of Pub/Sub, which every subscriber has a subscription of its own to.
//!
//! One topic for all, since Cloud Storage tells one change to at most ten. What is new takes its time at Google: a change within the
//! first half minute after a bucket's first subscription may not be told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::{Subscription, Wanted, bucket_prefix, subscription_name};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::patiently;
use skyport_core::{Error, ErrorKind, Result};

use super::call::{Call, Refused};
use super::refused::is_denied;
use super::{API, Gcs, NAME};
use crate::config::endpoint::Service;
use crate::config::{Connection, Gcp};
use crate::grpc;
use crate::proto::subscription as wire;
use crate::provision::queue::{self, Standing};
use crate::queue::calls::topic;
use crate::queue::{Names, PubsubQueue};
use notices::GcsNotices;

mod admission;
mod notices;

/// How a configuration names a topic.
const TOPIC: &str = "//pubsub.googleapis.com/";

/// What is told of. An object that is deleted in a bucket with versions is told as archived.
const TYPES: [&str; 3] = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE"];

/// For how long an admission may not be known everywhere at Google.
const SPREADING: Duration = Duration::from_secs(420);

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
        self.ensure(&pubsub, &names, &settings).await?;
        let inner = PubsubQueue::new(pubsub, names, &settings);
        let notices = GcsNotices::new(self.clone(), name, Wanted::by(subscriber));
        Ok(Arc::new(Subscription::new(Arc::new(notices), Arc::new(inner))))
    }

    /// Makes what is not there. Where all is, this only looks, since every start of a worker comes here, and may look at no more than it
    /// needs: without the right to see whom the bucket notifies, a subscription that is there is taken for a whole one.
    async fn ensure(&self, pubsub: &Arc<Connection>, names: &Names, settings: &QueueSettings) -> Result<()> {
        let ours = format!("{TOPIC}{}", topic(pubsub, &names.topic).await?);
        // A missing bucket is said to be missing, and leaves no queue behind.
        let (notified, denied) = match self.configurations().await {
            Ok(there) => (there.items.iter().any(|one| one.topic == ours), None),
            Err(refused) if is_denied(&refused.error) => (true, Some(refused.error)),
            Err(refused) => return Err(self.not_listed(refused)),
        };
        let standing = queue::look(pubsub, names, settings).await?;
        match (standing, denied) {
            (Standing::Whole, _) if notified => return Ok(()),
            (Standing::Missing, Some(denied)) => return Err(denied),
            _ => {}
        }
        let made = queue::make(pubsub, names, settings).await?;
        if notified && standing != Standing::Missing {
            return Ok(());
        }
        if admission::admit(&self.connection, self.name(), pubsub, &made.topic).await? {
            self.admitted.get_or_init(Instant::now);
        }
        self.notify(&made.topic).await
    }

    /// Removes every subscription of this bucket, with its queue, where there are any.
    pub(crate) async fn unsubscribe_all(&self) -> Result<()> {
        let pubsub = self.pubsub()?;
        let configurations = match self.configurations().await {
            Ok(configurations) => configurations,
            Err(refused) if refused.is(StatusCode::NOT_FOUND) => return Ok(()),
            Err(refused) => return Err(refused.error),
        };
        // An emulator's bucket has no topic at Google's.
        if self.connection.endpoint().starts_with("https:") != pubsub.endpoint().starts_with("https:") {
            return Ok(());
        }
        let full = topic(&pubsub, &self.topic()).await?;
        let ours = format!("{TOPIC}{full}");
        let notified = configurations.items.iter().any(|one| one.topic == ours);
        let there = match subscriptions(&pubsub, &full).await {
            // What was never notified has a queue only where a subscription broke off; whoever may not look has made none.
            Err(error) if !notified && is_denied(&error) => Vec::new(),
            there => there?,
        };
        let prefix = bucket_prefix(self.name());
        for name in there {
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
        self.configure(&wanted).await?;
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

    /// Makes a configuration. Google tries whether it may publish, and refuses until it is known everywhere that it may.
    async fn configure(&self, wanted: &Value) -> Result<()> {
        let configure = async || {
            let configure = self.on_configurations(Method::POST, &[]).json(wanted);
            configure.done().await.map_err(Error::from)
        };
        if self.admitted.get().is_none_or(|since| since.elapsed() > SPREADING) {
            return configure().await;
        }
        let is_refused =
            |error: &Error| matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidArgument);
        let passes = |error: &Error| error.is_retryable() || is_refused(error);
        patiently(self.name(), passes, configure).await.map_err(|error| {
            if !is_refused(&error) {
                return error;
            }
            let text = "Cloud Storage was let publish to the bucket's topic just now, which takes Google some minutes to know \
                        everywhere: subscribe again in a minute";
            let told = Error::new(ErrorKind::Unavailable, text).with_ambiguous(false).with_provider(NAME);
            told.with_source(error)
        })
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
        let asked = grpc::call(pubsub, wire::LIST_TOPIC_SUBSCRIPTIONS, request.clone()).await;
        let page: wire::ListTopicSubscriptionsResponse = match asked {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(error),
        };
        let last = |full: String| full.rsplit('/').next().map(str::to_owned);
        names.extend(page.subscriptions.into_iter().filter_map(last));
        if page.next_page_token.is_empty() {
            return Ok(names);
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use skyport_core::provider::ResourceUrl;

    use super::*;
    use crate::stub::{answer, refusal, served};

    /// A bucket whose agent was admitted just now, or not, and whose first configurations are refused.
    async fn configured(admitted: bool, refusals: usize, status: u16) -> (Result<()>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let (url, _) = served(move |_, _| {
            let before = count.fetch_add(1, Ordering::SeqCst);
            if before < refusals { refusal(status, "forbidden") } else { answer(200, "{}") }
        })
        .await;
        let url = ResourceUrl::new("gs", "bkt").with_parameter("endpoint", &url);
        let bucket = Gcs::open(Gcp::new().connection(Service::Storage, &url, &[]).expect("connects"), "bkt");
        if admitted {
            bucket.admitted.set(Instant::now()).expect("once");
        }
        let ended = bucket.configure(&json!({})).await;
        (ended, asked.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn who_was_admitted_just_now_is_waited_for() {
        for status in [403, 400] {
            let (ended, asked) = configured(true, 2, status).await;
            ended.expect("known in the end");
            assert_eq!(asked, 3);
        }
        let (ended, asked) = configured(false, 2, 403).await;
        assert_eq!(ended.expect_err("denied").kind(), ErrorKind::PermissionDenied);
        assert_eq!(asked, 1, "nothing is to be waited for");
    }

    #[tokio::test]
    async fn who_is_not_known_in_time_is_to_be_asked_for_again() {
        let (ended, _) = configured(true, usize::MAX, 403).await;
        let error = ended.expect_err("not known yet");
        assert!(error.is_retryable() && !error.is_ambiguous(), "{error}");
        assert!(error.message().contains("subscribe again"), "{error}");
    }
}
