//! What the subscriptions of a bucket are called: so that any cloud takes it as the name of a queue, a rule or a topic.

use crate::seek::fingerprint;

/// The longest name that every cloud takes.
const NAME_BYTES: usize = 64;
/// So much of the bucket's name is shown.
const BUCKET_BYTES: usize = 16;

/// What the names of all subscriptions of a bucket begin with; the last letter is `-`.
#[must_use]
pub fn bucket_prefix(bucket: &str) -> String {
    let mark = fingerprint(&[Some(bucket)]) >> 16;
    format!("skyport-{}-{mark:012x}-", shown(bucket, BUCKET_BYTES))
}

/// The name of one subscription: at most 64 letters, digits, `-` and `_`, beginning with a letter, and unlike any other.
#[must_use]
pub fn subscription_name(bucket: &str, subscriber: &str) -> String {
    let prefix = bucket_prefix(bucket);
    let mark = fingerprint(&[Some(bucket), Some(subscriber)]);
    let room = NAME_BYTES.saturating_sub(prefix.len() + "-".len() + 16);
    format!("{prefix}{}-{mark:016x}", shown(subscriber, room))
}

/// The beginning of a name, as far as its letters are allowed.
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
                let name = subscription_name(bucket, subscriber);
                assert!(name.len() <= NAME_BYTES && name.starts_with(&bucket_prefix(bucket)), "{name}");
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{name}");
                assert!(seen.insert(name), "{bucket} {subscriber}");
            }
        }
    }

    #[test]
    fn names_stay_the_same_for_ever() {
        assert_eq!(
            subscription_name("photos", "app.thumbs"),
            "skyport-photos-8037bf64455e-app_thumbs-03ab211b105e6e7e"
        );
    }
}
