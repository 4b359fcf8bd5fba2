//! What the rule and the queue of a subscription are called.

use skyport_core::seek::fingerprint;

/// The longest name of a rule of EventBridge; one of a queue may be longer.
const RULE_BYTES: usize = 64;
/// So much of the bucket's name is shown.
const BUCKET_BYTES: usize = 16;

/// What the names of all subscriptions of a bucket begin with.
pub(super) fn prefix(bucket: &str) -> String {
    let mark = fingerprint(&[Some(bucket)]) >> 16;
    format!("skyport-{}-{mark:012x}-", shown(bucket, BUCKET_BYTES))
}

/// The name of one subscription, within the limits of rules and queues, and unlike any other.
pub(super) fn subscription(bucket: &str, subscriber: &str) -> String {
    let prefix = prefix(bucket);
    let mark = fingerprint(&[Some(bucket), Some(subscriber)]);
    let room = RULE_BYTES.saturating_sub(prefix.len() + "-".len() + 16);
    format!("{prefix}{}-{mark:016x}", shown(subscriber, room))
}

/// The beginning of a name, as far as its letters are allowed in names of rules and queues.
fn shown(name: &str, most: usize) -> String {
    let letters =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' });
    letters.take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_subscriptions_are_valid_short_and_unlike() {
        let long = "a".repeat(63);
        let subscribers =
            ["thumbs", "thumb", "my app/ünder \u{1f600}", "", &"s".repeat(500), &"s".repeat(501)];
        let mut seen = std::collections::BTreeSet::new();
        for bucket in ["b", "my.photos", &long, &long[1..]] {
            for subscriber in subscribers {
                let name = subscription(bucket, subscriber);
                assert!(name.len() <= RULE_BYTES && name.starts_with(&prefix(bucket)), "{name}");
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{name}");
                assert!(seen.insert(name), "{bucket} {subscriber}");
            }
        }
    }

    #[test]
    fn names_stay_the_same_for_ever() {
        assert_eq!(
            subscription("photos", "app.thumbs"),
            "skyport-photos-8037bf64455e-app_thumbs-03ab211b105e6e7e"
        );
    }
}
