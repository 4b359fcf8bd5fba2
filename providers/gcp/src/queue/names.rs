//! What a queue and its dead letters are called in Pub/Sub.

use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

/// What the name of the dead letters has beside the subscription's.
const DEAD: &str = "-dead";

/// The shortest and the longest name of a topic or a subscription.
const SHORTEST: usize = 3;
const LONGEST: usize = 255;

/// The topic that a queue is sent to, the subscription that it is received from, and the dead letters: a topic and a subscription of one
/// name. They go by the subscription: of two on one topic, each has dead letters of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) topic: String,
    pub(crate) subscription: String,
    pub(crate) dead: String,
}

impl Names {
    /// Of the topic and the subscription.
    ///
    /// # Errors
    /// `InvalidArgument` where Pub/Sub has no such names.
    pub(crate) fn new(topic: &str, subscription: &str) -> Result<Self> {
        check("topic", topic, LONGEST)?;
        check("subscription", subscription, LONGEST - DEAD.len())?;
        let dead = format!("{subscription}{DEAD}");
        Ok(Self { topic: topic.to_owned(), subscription: subscription.to_owned(), dead })
    }

    /// Of a URL: the subscription is called like the topic unless it says otherwise.
    pub(crate) fn of(url: &ResourceUrl) -> Result<Self> {
        Self::new(url.name(), url.parameter("subscription").unwrap_or(url.name()))
    }
}

fn check(what: &str, name: &str, longest: usize) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+%".contains(&b);
    let reserved = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("goog"));
    let fits = (SHORTEST..=longest).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(plain);
    if fits && !reserved {
        return Ok(());
    }
    let room = if longest < LONGEST { format!(", so that `{DEAD}` fits behind it") } else { String::new() };
    Err(Error::invalid(format!(
        "the name of a {what} of Pub/Sub is {SHORTEST} to {longest} letters, digits and `-_.~+%`, begins with a letter and not with \
         `goog`{room}; this one is `{}`",
        name.escape_debug()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Names> {
        Names::of(&url.parse().expect("a URL"))
    }

    #[test]
    fn a_subscription_is_called_like_its_topic_unless_the_url_says_otherwise() {
        let names = of("pubsub://orders").expect("names");
        assert_eq!((&*names.topic, &*names.subscription, &*names.dead), ("orders", "orders", "orders-dead"));
        let names = of("pubsub://orders?subscription=billing").expect("names");
        assert_eq!(
            (&*names.topic, &*names.subscription, &*names.dead),
            ("orders", "billing", "billing-dead")
        );
    }

    #[test]
    fn names_that_pubsub_has_not_are_refused_when_they_are_opened() {
        for name in ["ab", "1abc", "-abc", "googlish", "Googlish", "a/bc", "a bc", "äbc", "goog"] {
            let error = Names::new(name, "fine").expect_err(name);
            assert!(error.message().contains("3 to 255"), "{error}");
            let error = Names::new("fine", name).expect_err(name);
            assert!(error.message().contains("3 to 250"), "{error}");
        }
        for name in ["abc", "a.b~c+d%e_f-g", "gooey", &"x".repeat(250)] {
            assert!(Names::new(name, name).is_ok(), "{name}");
        }
        assert!(Names::new(&"x".repeat(251), "fine").is_ok());
        assert!(Names::new("fine", &"x".repeat(251)).is_err());
        assert!(Names::new(&"x".repeat(256), "fine").is_err());
    }
}
