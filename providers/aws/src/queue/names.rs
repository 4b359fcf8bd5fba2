//! What a queue and its dead letters are called in SQS.

use skyport_core::{Error, Result};

/// What the name of every FIFO queue ends with.
const FIFO: &str = ".fifo";

/// What the dead letters' name has beside their queue's.
const DEAD: &str = "-dead";

/// The longest name of a queue, with its ending.
const NAME_BYTES: usize = 80;

/// A queue and the queue of its dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) queue: String,
    pub(crate) dead: String,
}

/// The names of the queue `name`. One that is ordered may be given with its ending or without.
pub(crate) fn names(name: &str, ordered: bool) -> Result<Names> {
    let stem = match name.strip_suffix(FIFO) {
        Some(stem) if ordered => stem,
        Some(_) => {
            return Err(Error::invalid(
                "a queue whose name ends in `.fifo` is ordered: declare it so, or choose another name",
            ));
        }
        None => name,
    };
    let ending = if ordered { FIFO } else { "" };
    let longest = NAME_BYTES - DEAD.len() - ending.len();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if stem.is_empty() || stem.len() > longest || !stem.bytes().all(plain) {
        return Err(Error::invalid(format!(
            "the name of {} queue of SQS is 1 to {longest} letters, digits, `-` and `_`, so that `{DEAD}{ending}` fits behind it",
            if ordered { "an ordered" } else { "a" },
        )));
    }
    Ok(Names { queue: format!("{stem}{ending}"), dead: format!("{stem}{DEAD}{ending}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordered_queue_has_the_ending_of_fifo_once() {
        let expected = Names { queue: "jobs.fifo".into(), dead: "jobs-dead.fifo".into() };
        assert_eq!(names("jobs", true).expect("a name"), expected);
        assert_eq!(names("jobs.fifo", true).expect("a name"), expected);
        let plain = Names { queue: "jobs".into(), dead: "jobs-dead".into() };
        assert_eq!(names("jobs", false).expect("a name"), plain);
    }

    #[test]
    fn names_that_sqs_has_not_are_refused_when_they_are_opened() {
        for (name, ordered) in
            [("", false), (".fifo", true), ("a.b", false), ("jobs.fifo", false), ("ü", true)]
        {
            assert!(names(name, ordered).is_err(), "{name}");
        }
        for (length, ordered, fits) in
            [(75, false, true), (76, false, false), (70, true, true), (71, true, false)]
        {
            assert_eq!(names(&"x".repeat(length), ordered).is_ok(), fits, "{length}");
        }
    }
}
