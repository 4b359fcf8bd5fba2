//! What is refused before any input or output, once for all providers.

use std::time::Duration;

use super::port::{Attributes, OutMessage, QueueInfo};
use crate::{Error, ErrorKind, Result};

/// The longest name of an attribute.
const NAME_BYTES: usize = 64;

/// How an attribute's name may not begin, in any case: clouds and Skyport keep these for themselves.
// tidy: allow(cloud-name): the contract reserves them on every cloud
const RESERVED: [&str; 4] = ["aws", "amazon", "goog", "skyport"];

/// The longest group or dedupe id in bytes.
const ID_BYTES: usize = 128;

/// Refuses what this queue cannot carry.
pub(super) fn message(info: &QueueInfo, message: &OutMessage) -> Result<()> {
    let limit = info.limits.body_bytes;
    if message.body.len() > limit {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a body of {} bytes is over this queue's limit of {limit}; put it in a bucket and send its key",
                message.body.len()
            ),
        ));
    }
    attributes(info, &message.attributes)?;
    if let Some(delay) = message.delay {
        delayed(info, delay)?;
    }
    if let Some(group) = &message.group {
        if !info.settings.ordered {
            return Err(Error::invalid(
                "`group` is for queues declared ordered; declare this one so, or leave the group out",
            ));
        }
        id("group", group)?;
    }
    if let Some(dedupe) = &message.dedupe_id {
        let refusal =
            "this queue cannot tell duplicates; leave `dedupe_id` out and make the handler idempotent";
        info.capabilities.dedupe.demand(refusal)?;
        id("dedupe_id", dedupe)?;
    }
    Ok(())
}

fn attributes(info: &QueueInfo, attributes: &Attributes) -> Result<()> {
    let most = info.limits.attributes;
    if attributes.len() > most {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("{} attributes are over the limit of {most}", attributes.len()),
        ));
    }
    for (name, value) in attributes {
        attribute_name(name)?;
        let longest = info.limits.attribute_bytes;
        if value.len() > longest {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("the attribute `{name}` has {} bytes; the limit is {longest}", value.len()),
            ));
        }
    }
    Ok(())
}

fn attribute_name(name: &str) -> Result<()> {
    let well_formed = name.len() <= NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !well_formed {
        return Err(Error::invalid(format!(
            "the name of an attribute is a letter and up to {} letters, digits, `_` and `-`",
            NAME_BYTES - 1
        )));
    }
    let begins =
        |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    match RESERVED.iter().find(|prefix| begins(prefix)) {
        None => Ok(()),
        Some(prefix) => Err(Error::invalid(format!(
            "the name of an attribute does not begin with `{prefix}`: that is reserved"
        ))),
    }
}

fn delayed(info: &QueueInfo, delay: Duration) -> Result<()> {
    if info.settings.ordered {
        return Err(Error::unsupported(
            "an ordered queue takes no `delay`: a held message would hold up its group",
        ));
    }
    info.capabilities.delay.demand("this queue cannot delay a message")?;
    longest("delay", delay, info.limits.delay)
}

/// Refuses a backoff over the queue's limit of delays.
pub(super) fn retry_after(info: &QueueInfo, after: Duration) -> Result<()> {
    longest("retry", after, info.limits.delay)
}

fn longest(what: &str, asked: Duration, limit: Duration) -> Result<()> {
    if asked > limit {
        return Err(Error::invalid(format!(
            "a {what} of {asked:?} is over the limit of {} s",
            limit.as_secs()
        )));
    }
    Ok(())
}

fn id(what: &str, text: &str) -> Result<()> {
    if text.is_empty() || text.len() > ID_BYTES || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid(format!(
            "`{what}` is 1 to {ID_BYTES} visible ASCII characters; hash what is longer or other"
        )));
    }
    Ok(())
}

/// Refuses leases that not every cloud can keep.
pub(super) fn lease(info: &QueueInfo, lease: Duration) -> Result<()> {
    let limit = info.limits.lease;
    if lease < Duration::from_secs(1) || lease > limit || lease.subsec_nanos() != 0 {
        return Err(Error::invalid(format!(
            "a lease is 1 to {} whole seconds, not {lease:?}",
            limit.as_secs()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Support;
    use crate::queue::port::QueueSettings;

    fn info(ordered: bool) -> QueueInfo {
        let settings = QueueSettings { ordered, ..QueueSettings::default() };
        QueueInfo::new("test", "jobs", settings)
    }

    fn refused(info: &QueueInfo, change: impl FnOnce(&mut OutMessage)) -> Option<ErrorKind> {
        let mut out = OutMessage::new("body");
        change(&mut out);
        message(info, &out).err().map(|error| error.kind())
    }

    fn with_attribute(name: &str, value: &str) -> Option<ErrorKind> {
        refused(&info(false), |out| {
            out.attributes.insert(name.to_owned(), value.to_owned());
        })
    }

    #[test]
    fn names_of_attributes_follow_the_narrowest_cloud() {
        for name in ["a", "Zz-_9", &"x".repeat(64), "sky", "gooey", "aw"] {
            assert_eq!(with_attribute(name, ""), None, "{name}");
        }
        for name in [
            "",
            "1a",
            "_a",
            "a.b",
            "a b",
            "ä",
            "aws", // tidy: allow(cloud-name): reserved
            "AWSx",
            "amazon-x", // tidy: allow(cloud-name): reserved
            "google",   // tidy: allow(cloud-name): reserved
            "Skyport",
            &"x".repeat(65),
        ] {
            assert_eq!(with_attribute(name, ""), Some(ErrorKind::InvalidArgument), "{name}");
        }
    }

    #[test]
    fn limits_are_kept_to_the_byte() {
        let full = |size: usize| refused(&info(false), |out| out.body = vec![0; size].into());
        assert_eq!((full(32 << 10), full((32 << 10) + 1)), (None, Some(ErrorKind::TooLarge)));
        let value = |size: usize| with_attribute("a", &"v".repeat(size));
        assert_eq!((value(256), value(257)), (None, Some(ErrorKind::TooLarge)));
        let many = |count: usize| {
            refused(&info(false), |out| {
                out.attributes = (0..count).map(|n| (format!("a{n}"), String::new())).collect();
            })
        };
        assert_eq!((many(8), many(9)), (None, Some(ErrorKind::TooLarge)));
    }

    #[test]
    fn what_the_queue_cannot_do_is_unsupported_and_what_is_wrong_is_invalid() {
        let second = Duration::from_secs(1);
        let delay = |info: &QueueInfo, delay| refused(info, |out| out.delay = Some(delay));
        assert_eq!(delay(&info(false), second * 900), None);
        assert_eq!(delay(&info(false), second * 901), Some(ErrorKind::InvalidArgument));
        assert_eq!(delay(&info(true), second), Some(ErrorKind::Unsupported));
        let mut poor = info(false);
        poor.capabilities.delay = Support::Unsupported("");
        poor.capabilities.dedupe = Support::Unsupported("");
        assert_eq!(delay(&poor, second), Some(ErrorKind::Unsupported));
        let dedupe = |info: &QueueInfo, id: &str| refused(info, |out| out.dedupe_id = Some(id.to_owned()));
        assert_eq!(dedupe(&poor, "x"), Some(ErrorKind::Unsupported));
        assert_eq!(dedupe(&info(false), &"x".repeat(129)), Some(ErrorKind::InvalidArgument));
        let group = |info: &QueueInfo, group: &str| refused(info, |out| out.group = Some(group.to_owned()));
        assert_eq!(group(&info(false), "g"), Some(ErrorKind::InvalidArgument));
        assert_eq!(group(&info(true), ""), Some(ErrorKind::InvalidArgument));
        assert_eq!(group(&info(true), "g"), None);
    }

    #[test]
    fn a_lease_is_whole_seconds_from_one_to_six_hundred() {
        for (millis, fits) in
            [(0, false), (999, false), (1000, true), (1500, false), (600_000, true), (601_000, false)]
        {
            let asked = Duration::from_millis(millis);
            assert_eq!(lease(&info(false), asked).is_ok(), fits, "{millis}");
        }
    }
}
