//! What the queues of a container's subscribers are called: as a deployment can say without asking, `<events>-<application>-<function>`.

use skyport_core::seek::fingerprint;
use skyport_core::{Error, Result};

use crate::provision::NAME;

/// The longest name of a queue that has dead letters.
const NAME_BYTES: usize = 56;

/// How many digits tell apart what cannot be said as it is.
const MARK: usize = 16;

/// The longest beginning: it leaves room for a hyphen, a letter, another hyphen, and the digits.
const PREFIX_BYTES: usize = NAME_BYTES - MARK - 3;

/// What may be the beginning of the queues' names.
///
/// # Errors
/// `InvalidArgument` for all else.
pub(super) fn valid_prefix(prefix: &str) -> Result<&str> {
    if (1..=PREFIX_BYTES).contains(&prefix.len()) && is_plain(prefix) {
        return Ok(prefix);
    }
    let text = format!(
        "`events` is what the names of queues begin with: 1 to {PREFIX_BYTES} lower-case letters, digits and single hyphens, none of these at its ends"
    );
    Err(Error::invalid(text).with_provider(NAME))
}

/// The queue of one subscriber. A subscriber whose name a queue cannot have is told apart by a mark behind what can be shown of it.
pub(super) fn of_queue(prefix: &str, subscriber: &str) -> String {
    let fits = prefix.len() + 1 + subscriber.len() <= NAME_BYTES && is_plain(subscriber);
    // A queue that is called so is where the dead letters of another are.
    let is_letters = subscriber == "poison" || subscriber.ends_with("-poison");
    if fits && !is_letters {
        return format!("{prefix}-{subscriber}");
    }
    let room = NAME_BYTES.saturating_sub(prefix.len() + MARK + 2);
    let mut shown = String::with_capacity(room);
    for letter in subscriber.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => shown.push(letter),
            _ if shown.is_empty() || shown.ends_with('-') => {}
            _ => shown.push('-'),
        }
        if shown.len() == room {
            break;
        }
    }
    let shown = shown.trim_end_matches('-');
    let separator = if shown.is_empty() { "" } else { "-" };
    format!("{prefix}-{shown}{separator}{:016x}", fingerprint(&[Some(subscriber)]))
}

/// Whether these letters may stand between hyphens of a queue's name.
fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty()
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use skyport_core::provider::ResourceUrl;
    use skyport_core::queue::port::QueueSettings;

    use super::*;
    use crate::queue::Names;

    #[test]
    fn a_name_that_a_queue_can_have_stands_as_it_is() {
        assert_eq!(
            of_queue("photos-originals-events", "photos-added"),
            "photos-originals-events-photos-added"
        );
        assert_eq!(of_queue("e", "poisoned"), "e-poisoned");
    }

    #[test]
    fn every_subscriber_has_a_queue_of_its_own_that_queue_storage_takes() {
        let (longest, long) = ("e".repeat(PREFIX_BYTES), "s".repeat(121));
        let subscribers = [
            "app-added",
            "App-added",
            "app_added",
            "app--added",
            "app-added-",
            "-app-added",
            "poison",
            "added-poison",
            "",
            "_",
            "\u{fc}",
            &long,
            &long[1..],
        ];
        let mut seen = BTreeSet::new();
        for prefix in ["e", "photos-events", &longest] {
            for subscriber in subscribers {
                let name = of_queue(valid_prefix(prefix).expect(prefix), subscriber);
                let url = ResourceUrl::new("azqueue", name.as_str());
                let names = Names::of(&url, &QueueSettings::default()).expect(&name);
                assert!(name.starts_with(prefix), "{name}");
                assert!(seen.insert(names.queue) && seen.insert(names.dead), "{name}");
            }
        }
    }

    #[test]
    fn names_stay_the_same_for_ever() {
        assert_eq!(of_queue("events", "app-on_added"), "events-app-on-added-561c32366fa24c66");
    }

    #[test]
    fn what_no_name_begins_with_is_refused() {
        for bad in ["", "E", "a_b", "-a", "a-", "a--b", "a b", &"e".repeat(PREFIX_BYTES + 1)] {
            let error = valid_prefix(bad).expect_err(bad);
            assert!(error.message().contains("`events`"), "{error}");
        }
    }
}
