//! NCRONTAB, as the timer trigger reads it: six fields, seconds first, and a day must fit both its fields.
//!
//! From the library NCrontab (`CrontabSchedule`, with seconds) that `TimerSchedule.cs` of the extension of timers uses: numbers, lists, ranges and steps;
//! Sunday is 0, and there is no 7. Names of months and days are taken by the library, and not here: nothing that is generated has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fault::{Fault, Result};
use crate::time::Civil;

const FIELDS: [(&str, u32, u32); 6] = [
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
];

/// A schedule of a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron([u64; 6]);

impl Cron {
    /// Reads one.
    ///
    /// # Errors
    /// Where the host would not start the function.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        if parts.len() != FIELDS.len() {
            return Err(Fault::new(format!(
                "`{text}` has {} fields, and a timer's schedule has 6",
                parts.len()
            )));
        }
        let mut sets = [0; 6];
        for ((set, part), (name, first, last)) in sets.iter_mut().zip(parts).zip(FIELDS) {
            for item in part.split(',') {
                *set |= parse_item(item, first, last)
                    .ok_or_else(|| Fault::new(format!("`{item}` in `{text}` is no {name}")))?;
            }
        }
        Ok(Self(sets))
    }

    /// The first instant after `time`, within nine years.
    #[must_use]
    pub fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let from = time.duration_since(UNIX_EPOCH).ok()?.as_secs() + 1;
        for day in from / 86_400..from / 86_400 + 366 * 9 {
            let civil = Civil::of_day(day);
            // All of them: `CrontabSchedule` asks for the day of the month, and then for the day of the week.
            if !(self.has(3, civil.day) && self.has(4, civil.month) && self.has(5, civil.weekday)) {
                continue;
            }
            let start = if day == from / 86_400 { from % 86_400 } else { 0 };
            let second = (start..86_400).find(|second| {
                let second = *second as u32;
                self.has(2, second / 3_600) && self.has(1, second / 60 % 60) && self.has(0, second % 60)
            });
            if let Some(second) = second {
                return UNIX_EPOCH.checked_add(Duration::from_secs(day * 86_400 + second));
            }
        }
        None
    }

    fn has(&self, field: usize, number: u32) -> bool {
        self.0.get(field).is_some_and(|set| set >> number & 1 == 1)
    }
}

fn parse_item(item: &str, first: u32, last: u32) -> Option<u64> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, number(step)?),
        None => (item, 1),
    };
    let (low, high) = match range.split_once('-') {
        _ if range == "*" => (first, last),
        Some((low, high)) => (number(low)?, number(high)?),
        None if item.contains('/') => (number(range)?, last),
        None => (number(range)?, number(range)?),
    };
    let fits = first <= low && low <= high && high <= last && step > 0;
    fits.then(|| (low..=high).step_by(step as usize).fold(0, |set, number| set | 1 << number))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn next(text: &str, after: u64) -> u64 {
        let next = Cron::parse(text).unwrap().next_after(UNIX_EPOCH + Duration::from_secs(after)).unwrap();
        next.duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn seconds_come_first() {
        assert_eq!(next("30 0 3 * * *", 0), 3 * 3_600 + 30);
        assert_eq!(next("*/5 * * * * *", 3), 5);
        assert_eq!(next("0 10/20 * * * *", 0), 600);
    }

    #[test]
    fn a_day_must_fit_both_fields() {
        // 1 January 1970 was a Thursday; the first first of a month that is a Sunday is in February.
        assert_eq!(next("0 0 0 1 * 0", 0), 31 * 86_400);
    }

    #[test]
    fn what_the_host_would_not_read_is_refused() {
        for text in [
            "* * * * *",
            "0 0 0 * * 7",
            "0 60 * * * *",
            "0 0 0 ? * *",
            "0 0 0 5-3 * *",
            "0 */0 * * * *",
            "0 0 0 , * *",
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
