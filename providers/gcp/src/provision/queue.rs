//! Queues of Pub/Sub: a topic and a subscription, and the topic and the subscription of their dead letters.

use std::sync::Arc;

use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::refusal::Refusal;
use skyport_core::{Error, ErrorKind, Result};
use skyport_gcp_wire::message::MOST_ATTEMPTS;

use crate::config::Connection;
use crate::grpc::call;
use crate::proto::known::{Duration as WireDuration, FieldMask, Nothing};
use crate::proto::subscription as wire;
use crate::queue::calls::{subscription, topic};
use crate::queue::{Names, PubsubQueue};

use ErrorKind as Kind;

const DAY: i64 = 86_400;

/// For how long unread messages are kept: 7 days, which costs no more than less would.
const KEPT: &[i64] = &[7 * DAY];

/// For how long dead letters are kept: 14 days. Where only 7 can be had (Google's own emulator), 7, which the contract asks for.
const DEAD_KEPT: &[i64] = &[14 * DAY, 7 * DAY];

/// What is there is raised where it is under the contract's floors: 4 days, and 7 of dead letters.
const FLOOR: i64 = 4 * DAY;
const DEAD_FLOOR: i64 = 7 * DAY;

/// For how many seconds a message is hidden whose pull was answered into the void. What is received gets its lease at once.
const ACK_DEADLINE: i32 = 30;

/// The attempts that Pub/Sub counts to, at least and at most. It counts them only where it has a limit.
pub(crate) const FEWEST_ATTEMPTS: u32 = 5;

/// What Pub/Sub calls the topic of a queue that was made: `projects/../topics/..`.
#[cfg_attr(not(feature = "events"), allow(dead_code, reason = "who writes into a topic needs its name"))]
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) topic: String,
}

pub(super) fn open(
    connection: Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<Arc<dyn MessageQueue>> {
    Ok(Arc::new(PubsubQueue::new(connection, Names::of(url)?, settings)))
}

pub(super) async fn create(
    connection: &Arc<Connection>,
    url: &ResourceUrl,
    settings: &QueueSettings,
) -> Result<()> {
    make(connection, &Names::of(url)?, settings).await.map(drop)
}

pub(super) async fn remove(connection: &Arc<Connection>, url: &ResourceUrl, _: &QueueSettings) -> Result<()> {
    unmake(connection, &Names::of(url)?).await
}

/// Creates the queue behind its dead letters, or makes sure of what is there. Where it is as it is to be, that takes no rights
/// but to read it.
pub(crate) async fn make(
    connection: &Arc<Connection>,
    names: &Names,
    settings: &QueueSettings,
) -> Result<Made> {
    check_attempts(names, settings)?;
    match is_made(connection, names, settings).await {
        Ok(Some(made)) => return Ok(made),
        Ok(None) => {}
        // Whoever may create it need not be one who may read it.
        Err(error) if error.kind() == Kind::PermissionDenied => {
            tracing::debug!(%error, "what is there of a queue may not be read");
        }
        Err(error) => return Err(error),
    }
    let dead_topic = ensure_topic(connection, &names.dead).await?;
    let letters = Wanted::letters(names, &dead_topic);
    letters.ensure(connection).await.map_err(|error| error.with_resource(&names.dead))?;
    let topic = ensure_topic(connection, &names.topic).await?;
    let queue = Wanted::queue(names, &topic, &dead_topic, settings);
    queue.ensure(connection).await.map_err(|error| error.with_resource(&names.subscription))?;
    Ok(Made { topic })
}

fn check_attempts(names: &Names, settings: &QueueSettings) -> Result<()> {
    let attempts = settings.max_attempts;
    if attempts > MOST_ATTEMPTS && !can_count_on(names, settings) {
        let text = format!(
            "Pub/Sub counts attempts to {MOST_ATTEMPTS}, not to {attempts}; only in a queue that is not ordered and has its \
             topic for itself can a message have more"
        );
        return Err(Error::invalid(text));
    }
    Ok(())
}

/// Whether a message that is tried more often than Pub/Sub counts can be sent anew before Pub/Sub gives it up: in an ordered queue it
/// would lose its place, and where others subscribe to the topic they would get it once more.
pub(crate) fn can_count_on(names: &Names, settings: &QueueSettings) -> bool {
    !settings.ordered && names.topic == names.subscription
}

/// How much of a queue is there.
#[cfg(feature = "events")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its subscription is not.
    Missing,
    /// Its subscription is, but not all as it is to be.
    Short,
    /// All that `make` would make.
    Whole,
}

/// What is there of a queue that `make` would make; changes nothing, and needs no more than the right to look at the subscription.
/// That is made last, so the rest is there, too.
///
/// # Errors
/// `Conflict` where what is there can never become it.
#[cfg(feature = "events")]
pub(crate) async fn look(
    connection: &Arc<Connection>,
    names: &Names,
    settings: &QueueSettings,
) -> Result<Standing> {
    check_attempts(names, settings)?;
    let (topic, dead) = (topic(connection, &names.topic).await?, topic(connection, &names.dead).await?);
    let wanted = Wanted::queue(names, &topic, &dead, settings);
    let looked = wanted.look(connection).await;
    match looked.and_then(|there| wanted.check(&there).map(|()| wanted.changes(&there).is_empty())) {
        Ok(true) => Ok(Standing::Whole),
        Ok(false) => Ok(Standing::Short),
        Err(error) if error.kind() == Kind::NotFound => Ok(Standing::Missing),
        Err(error) => Err(error.with_resource(wanted.name)),
    }
}

/// The queue, where it and its dead letters are there as [`make`] would leave them. This only reads the two subscriptions:
/// whoever may not create anything can ask. That a subscription belongs to a topic says that the topic is there, too.
///
/// # Errors
/// `PermissionDenied` where the subscriptions may not be read.
pub(crate) async fn is_made(
    connection: &Arc<Connection>,
    names: &Names,
    settings: &QueueSettings,
) -> Result<Option<Made>> {
    let (dead_topic, full) = (topic(connection, &names.dead).await?, topic(connection, &names.topic).await?);
    let queue = Wanted::queue(names, &full, &dead_topic, settings);
    for wanted in [queue, Wanted::letters(names, &dead_topic)] {
        if !wanted.is_there(connection).await.map_err(|error| error.with_resource(wanted.name))? {
            return Ok(None);
        }
    }
    Ok(Some(Made { topic: full }))
}

/// Removes the subscriptions, the dead letters' topic, and the topic, unless others subscribe to it.
pub(crate) async fn unmake(connection: &Arc<Connection>, names: &Names) -> Result<()> {
    for name in [&names.subscription, &names.dead] {
        let request = wire::DeleteSubscriptionRequest { subscription: subscription(connection, name).await? };
        gone(call(connection, wire::DELETE_SUBSCRIPTION, request).await)
            .map_err(|error| error.with_resource(name))?;
    }
    for name in [&names.dead, &names.topic] {
        remove_topic(connection, name).await.map_err(|error| error.with_resource(name))?;
    }
    Ok(())
}

async fn remove_topic(connection: &Arc<Connection>, name: &str) -> Result<()> {
    let topic = topic(connection, name).await?;
    let request =
        wire::ListTopicSubscriptionsRequest { topic: topic.clone(), page_size: 1, ..Default::default() };
    let listed = call(connection, wire::LIST_TOPIC_SUBSCRIPTIONS, request).await;
    let others = match listed {
        Ok(wire::ListTopicSubscriptionsResponse { subscriptions, .. }) => !subscriptions.is_empty(),
        Err(error) if error.kind() == Kind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if others {
        tracing::info!(topic = name, "the topic stays: others subscribe to it");
        return Ok(());
    }
    gone(call(connection, wire::DELETE_TOPIC, wire::DeleteTopicRequest { topic }).await)
}

/// Somebody else may have been quicker.
fn gone(deleted: Result<Nothing>) -> Result<()> {
    match deleted {
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        result => result.map(drop),
    }
}

/// What Pub/Sub is to count to. Fewer attempts than it can count are counted by who receives.
pub(crate) fn counted(attempts: u32) -> i32 {
    i32::try_from(attempts.clamp(FEWEST_ATTEMPTS, MOST_ATTEMPTS)).unwrap_or(i32::MAX)
}

/// Creates a topic unless it is there; gives its full name.
async fn ensure_topic(connection: &Arc<Connection>, name: &str) -> Result<String> {
    let full = topic(connection, name).await?;
    let wanted = wire::Topic { name: full.clone() };
    match call(connection, wire::CREATE_TOPIC, wanted).await {
        Err(error) if error.kind() == Kind::AlreadyExists => Ok(full),
        result => result.map(|Nothing {}| full).map_err(|error| error.with_resource(name)),
    }
}

/// A subscription as it is to be.
struct Wanted<'a> {
    name: &'a str,
    topic: &'a str,
    ordered: bool,
    /// In seconds; the first that the place takes.
    kept: &'a [i64],
    floor: i64,
    policy: Option<wire::DeadLetterPolicy>,
}

impl<'a> Wanted<'a> {
    /// That of a queue.
    fn queue(names: &'a Names, topic: &'a str, dead_topic: &str, settings: &QueueSettings) -> Self {
        let policy = wire::DeadLetterPolicy {
            dead_letter_topic: dead_topic.to_owned(),
            max_delivery_attempts: counted(settings.max_attempts),
        };
        Self {
            name: &names.subscription,
            topic,
            ordered: settings.ordered,
            kept: KEPT,
            floor: FLOOR,
            policy: Some(policy),
        }
    }

    /// That of its dead letters. They have no order: one that is left lying must not hold up those behind it.
    fn letters(names: &'a Names, topic: &'a str) -> Self {
        Self { name: &names.dead, topic, ordered: false, kept: DEAD_KEPT, floor: DEAD_FLOOR, policy: None }
    }

    /// As it is there.
    async fn look(&self, connection: &Arc<Connection>) -> Result<wire::Subscription> {
        let request =
            wire::GetSubscriptionRequest { subscription: subscription(connection, self.name).await? };
        call(connection, wire::GET_SUBSCRIPTION, request).await
    }

    /// Whether it is there and falls short in nothing.
    async fn is_there(&self, connection: &Arc<Connection>) -> Result<bool> {
        match self.look(connection).await {
            Ok(there) => Ok(self.check(&there).is_ok() && self.changes(&there).is_empty()),
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Creates it, or changes what is there where it falls short.
    async fn ensure(&self, connection: &Arc<Connection>) -> Result<()> {
        let name = subscription(connection, self.name).await?;
        match self.with_retention(connection, &name, None).await {
            Err(error) if error.kind() == Kind::AlreadyExists => self.adjust(connection, &name).await,
            result => result,
        }
    }

    /// Sets what is declared, and raises what is under the contract's floors. What somebody raised further stays.
    async fn adjust(&self, connection: &Arc<Connection>, name: &str) -> Result<()> {
        let there = self.look(connection).await?;
        self.check(&there)?;
        let paths = self.changes(&there);
        if paths.is_empty() {
            return Ok(());
        }
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        self.with_retention(connection, name, Some(FieldMask { paths })).await
    }

    /// Creates it, or changes these fields, with the longest retention that is taken.
    async fn with_retention(
        &self,
        connection: &Arc<Connection>,
        name: &str,
        mask: Option<FieldMask>,
    ) -> Result<()> {
        let mut kept = self.kept.iter().copied().peekable();
        while let Some(seconds) = kept.next() {
            let subscription = self.described(name, seconds);
            let set: Result<Nothing> = match mask.clone() {
                None => call(connection, wire::CREATE_SUBSCRIPTION, subscription).await,
                update_mask => {
                    let subscription = Some(subscription);
                    let request = wire::UpdateSubscriptionRequest { subscription, update_mask };
                    call(connection, wire::UPDATE_SUBSCRIPTION, request).await
                }
            };
            match set {
                Err(error) if error.kind() == Kind::InvalidArgument && kept.peek().is_some() => {
                    tracing::debug!(subscription = name, %error, "a shorter retention is tried");
                }
                result => return result.map(drop),
            }
        }
        Err(Error::internal("a subscription is to keep its messages for no time at all"))
    }

    fn described(&self, name: &str, kept: i64) -> wire::Subscription {
        wire::Subscription {
            name: name.to_owned(),
            topic: self.topic.to_owned(),
            ack_deadline_seconds: ACK_DEADLINE,
            enable_message_ordering: self.ordered,
            message_retention_duration: Some(seconds(kept)),
            // Else it is deleted once nobody has received for 31 days.
            expiration_policy: Some(wire::ExpirationPolicy { ttl: None }),
            dead_letter_policy: self.policy.clone(),
            ..Default::default()
        }
    }

    /// Refuses what is there where it can never become what is declared.
    fn check(&self, there: &wire::Subscription) -> Result<()> {
        if there.topic != self.topic || there.detached {
            let text = format!(
                "the subscription is there and belongs to `{}`, not to `{}`: remove it, or name another in the URL",
                there.topic, self.topic
            );
            return Err(Error::new(Kind::Conflict, text).with_retryable(false));
        }
        if there.enable_message_ordering != self.ordered {
            return Err(Refusal::OrderFixed.into());
        }
        Ok(())
    }

    /// The fields in which it falls short.
    fn changes(&self, there: &wire::Subscription) -> Vec<&'static str> {
        let kept = there.message_retention_duration.as_ref().map(|kept| kept.seconds);
        let mut paths = Vec::new();
        if kept.is_some_and(|kept| kept < self.floor) {
            paths.push("message_retention_duration");
        }
        if there.expiration_policy.as_ref().is_none_or(|policy| policy.ttl.is_some()) {
            paths.push("expiration_policy");
        }
        if self.policy.is_some() && there.dead_letter_policy != self.policy {
            paths.push("dead_letter_policy");
        }
        paths
    }
}

fn seconds(seconds: i64) -> WireDuration {
    WireDuration { seconds, nanos: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(attempts: u32) -> Option<wire::DeadLetterPolicy> {
        Some(wire::DeadLetterPolicy {
            dead_letter_topic: "projects/p/topics/jobs-dead".into(),
            max_delivery_attempts: counted(attempts),
        })
    }

    fn wanted() -> Wanted<'static> {
        Wanted {
            name: "jobs",
            topic: "projects/p/topics/jobs",
            ordered: true,
            kept: KEPT,
            floor: FLOOR,
            policy: policy(5),
        }
    }

    fn there() -> wire::Subscription {
        wire::Subscription {
            topic: "projects/p/topics/jobs".into(),
            enable_message_ordering: true,
            message_retention_duration: Some(seconds(31 * DAY)),
            expiration_policy: Some(wire::ExpirationPolicy { ttl: None }),
            dead_letter_policy: policy(5),
            ..Default::default()
        }
    }

    #[test]
    fn pubsub_counts_attempts_where_it_can() {
        for (attempts, expected) in [(1, 5), (4, 5), (5, 5), (42, 42), (100, 100)] {
            assert_eq!(counted(attempts), expected, "{attempts}");
        }
    }

    #[test]
    fn what_falls_short_is_changed_and_what_is_more_stays() {
        assert!(wanted().changes(&there()).is_empty());
        let mut short = there();
        short.message_retention_duration = Some(seconds(DAY));
        short.expiration_policy = Some(wire::ExpirationPolicy { ttl: Some(seconds(31 * DAY)) });
        short.dead_letter_policy = policy(6);
        let all = ["message_retention_duration", "expiration_policy", "dead_letter_policy"];
        assert_eq!(wanted().changes(&short), all);
        // Google's default where nothing is said.
        short.expiration_policy = None;
        assert_eq!(wanted().changes(&short), all);
    }

    #[test]
    fn what_can_never_become_what_is_declared_is_a_conflict() {
        assert!(wanted().check(&there()).is_ok());
        let mut plain = there();
        plain.enable_message_ordering = false;
        let mut elsewhere = there();
        elsewhere.topic = "_deleted-topic_".into();
        for other in [plain, elsewhere] {
            let error = wanted().check(&other).expect_err("another one");
            assert_eq!((error.kind(), error.is_retryable()), (Kind::Conflict, false));
        }
    }
}
