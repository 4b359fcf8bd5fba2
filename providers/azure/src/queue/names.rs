//! What a queue and its dead letters are called.

use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::QueueSettings;
use skyport_core::{Error, Result};

/// What the dead letters' name has behind their queue's: as the host of Azure Functions calls them.
const POISON: &str = "-poison";

/// How many characters Queue Storage's names have.
const FEWEST: usize = 3;
const MOST: usize = 63;

/// A queue and the queue of its dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) queue: String,
    pub(crate) dead: String,
}

impl Names {
    /// The names of a queue that is declared so.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that Queue Storage has not, `Unsupported` for an ordered queue.
    pub(crate) fn of(url: &ResourceUrl, settings: &QueueSettings) -> Result<Self> {
        if settings.ordered {
            return Err(Error::unsupported(
                "Queue Storage keeps no order: declare the queue without it, or put it on another provider",
            ));
        }
        let name = url.name();
        let longest = MOST - POISON.len();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
        if !(FEWEST..=longest).contains(&name.len()) || !name.bytes().all(plain) || hyphens {
            return Err(Error::invalid(format!(
                "the name of a queue of Queue Storage is {FEWEST} to {longest} lower-case letters, digits and single hyphens, none \
                 of these at its ends, so that `{POISON}` fits behind it"
            )));
        }
        Ok(Self { queue: name.to_owned(), dead: format!("{name}{POISON}") })
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::ErrorKind;

    use super::*;

    fn names(name: &str, ordered: bool) -> Result<Names> {
        let mut settings = QueueSettings::default();
        settings.ordered = ordered;
        Names::of(&ResourceUrl::new("azqueue", name), &settings)
    }

    #[test]
    fn dead_letters_are_where_the_host_of_functions_puts_them() {
        let expected = Names { queue: "jobs".into(), dead: "jobs-poison".into() };
        assert_eq!(names("jobs", false).expect("a name"), expected);
    }

    #[test]
    fn names_that_queue_storage_has_not_are_refused_when_they_are_opened() {
        for name in
            ["", "ab", "-ab", "ab-", "a--b", "Jobs", "jöbs", "a.b", "a_b", "a b", "a/b", &"x".repeat(57)]
        {
            assert_eq!(names(name, false).expect_err(name).kind(), ErrorKind::InvalidArgument);
        }
        for name in ["abc", "a-1", "0-9", &"x".repeat(56)] {
            let both = names(name, false).expect(name);
            assert!(both.dead.len() <= MOST);
        }
    }

    #[test]
    fn an_ordered_queue_is_unsupported_when_it_is_opened() {
        assert_eq!(names("jobs", true).expect_err("no order").kind(), ErrorKind::Unsupported);
    }
}
