//! Schedules: five fields, in UTC, the common ground of all clouds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

/// When a function runs: `minute hour day-of-month month day-of-week`, in UTC.
///
/// Each field takes `*`, numbers, lists, ranges and steps (`*/15`, `8-18/2`); Sunday is 0. Day of month and day of week
/// may not both be restricted: clouds disagree on what that means.
///
/// ```
/// use skyport_core::schedule::Schedule;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let nightly: Schedule = "0 3 * * *".parse()?;
/// assert_eq!(nightly.next_after(UNIX_EPOCH), Some(UNIX_EPOCH + Duration::from_secs(3 * 3600)));
/// assert!("0 3 1 * 1".parse::<Schedule>().is_err());
/// # Ok::<(), skyport_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
}

/// The numbers that a field allows, as bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Set(u64);

impl Set {
    fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }
}

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", first: 0, last: 59 },
    Field { name: "hour", first: 0, last: 23 },
    Field { name: "day of month", first: 1, last: 31 },
    Field { name: "month", first: 1, last: 12 },
    Field { name: "day of week", first: 0, last: 6 },
];

impl Field {
    fn parse(&self, text: &str) -> Result<Set> {
        let mut bits = 0_u64;
        for part in text.split(',') {
            bits |= self.part(part)?;
        }
        Ok(Set(bits))
    }

    fn part(&self, part: &str) -> Result<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, self.number(step, 1, self.last)?),
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None if range == "*" => (self.first, self.last),
            // As cron has it, `5/10` would mean "from 5 on": clouds differ, so it is to be written out.
            None if part.contains('/') => return Err(self.wrong(part)),
            None => (self.value(range)?, self.value(range)?),
        };
        if first > last {
            return Err(self.wrong(part));
        }
        Ok((first..=last).step_by(step as usize).fold(0, |bits, number| bits | 1 << number))
    }

    fn value(&self, text: &str) -> Result<u32> {
        self.number(text, self.first, self.last)
    }

    fn number(&self, text: &str, first: u32, last: u32) -> Result<u32> {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.filter(|number| (first..=last).contains(number)).ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> Error {
        let Self { name, first, last } = self;
        Error::invalid(format!(
            "`{text}` is no {name}: `*`, or numbers, lists, ranges and steps from {first} to {last}"
        ))
    }

    fn all(&self) -> Set {
        Set((self.first..=self.last).fold(0, |bits, number| bits | 1 << number))
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts[..] else {
            return Err(Error::invalid(
                "a schedule has five fields: minute hour day-of-month month day-of-week",
            ));
        };
        let [minutes, hours, days, months, weekdays] = [minute, hour, day, month, weekday].map({
            let mut fields = FIELDS.iter();
            move |text| {
                fields.next().map_or_else(|| Err(Error::internal("a sixth field")), |field| field.parse(text))
            }
        });
        let schedule = Self {
            text: parts.join(" "),
            minutes: minutes?,
            hours: hours?,
            days: days?,
            months: months?,
            weekdays: weekdays?,
        };
        if schedule.days != FIELDS[2].all() && schedule.weekdays != FIELDS[4].all() {
            return Err(Error::invalid(
                "day of month and day of week cannot both be restricted: clouds disagree on what that means",
            ));
        }
        if schedule.next_after(UNIX_EPOCH).is_none() {
            return Err(Error::invalid(format!("`{}` never comes", schedule.text)));
        }
        Ok(schedule)
    }
}

impl Schedule {
    /// The first instant of the schedule after `time`; `None` only past the year 9999.
    #[must_use]
    pub fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let minute = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60 + 1);
        let first = i64::try_from(minute / 1440).ok()?;
        // 29 February may be eight years away, across a century that is no leap year.
        for day in first..first + 366 * 9 {
            let from = if day == first { (minute % 1440) as u32 } else { 0 };
            if self.allows_day(day)?
                && let Some(minute) = self.minute_of_day(from)
            {
                let minutes = u64::try_from(day).ok()? * 1440 + u64::from(minute);
                return UNIX_EPOCH.checked_add(Duration::from_secs(minutes * 60));
            }
        }
        None
    }

    fn allows_day(&self, day: i64) -> Option<bool> {
        let (year, month, day_of_month) = civil(day);
        if year > 9999 {
            return None;
        }
        // 1 January 1970 was a Thursday.
        let weekday = (day + 4).rem_euclid(7) as u32;
        Some(self.months.has(month) && self.days.has(day_of_month) && self.weekdays.has(weekday))
    }

    fn minute_of_day(&self, from: u32) -> Option<u32> {
        (from..1440).find(|minute| self.hours.has(minute / 60) && self.minutes.has(minute % 60))
    }

    /// Minutes of the hour, hours, days of the month, months and days of the week (Sunday = 0), written out: for clouds
    /// whose own notation differs.
    #[must_use]
    pub fn fields(&self) -> [Vec<u32>; 5] {
        let sets = [self.minutes, self.hours, self.days, self.months, self.weekdays];
        sets.map(|set| (0..60).filter(|number| set.has(*number)).collect())
    }
}

/// The year, month and day of the month of a day counted from 1 January 1970 (Howard Hinnant's algorithm).
fn civil(day: i64) -> (i64, u32, u32) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_month)
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({})", self.text)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970 of 2026-11-23 20:15:30, a Monday.
    const NOW: u64 = 1_795_464_930;

    fn next(schedule: &str) -> u64 {
        let schedule: Schedule = schedule.parse().expect(schedule);
        let next = schedule.next_after(UNIX_EPOCH + Duration::from_secs(NOW)).expect("comes");
        next.duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
    }

    #[test]
    fn the_next_instant_is_found() {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 3600;
        const DAY: u64 = 86_400;
        let midnight = NOW - NOW % DAY;
        assert_eq!(next("* * * * *"), midnight + 20 * HOUR + 16 * MINUTE);
        assert_eq!(next("*/15 * * * *"), midnight + 20 * HOUR + 30 * MINUTE);
        assert_eq!(next("0 3 * * *"), midnight + DAY + 3 * HOUR);
        assert_eq!(next("0 0 * * 0"), midnight + 6 * DAY);
        assert_eq!(next("5,10 8-10/2 * * 1"), midnight + 7 * DAY + 8 * HOUR + 5 * MINUTE);
        assert_eq!(next("0 0 1 * *"), midnight + 8 * DAY);
        assert_eq!(next("0 0 31 12 *"), midnight + 38 * DAY);
        // 2028 is the next leap year: 29 February is 463 days away.
        assert_eq!(next("0 0 29 2 *"), midnight + 463 * DAY);
        let minute = UNIX_EPOCH + Duration::from_secs(midnight + 60);
        let every: Schedule = "* * * * *".parse().expect("valid");
        assert_eq!(
            every.next_after(minute),
            Some(minute + Duration::from_secs(60)),
            "never the same instant again"
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "5/10 * * * *",
            "a * * * *",
            "1,,2 * * * *",
            "-1 * * * *",
            "0 0 30 2 *",
            "0 3 1 * 1",
            "@daily",
            "99999999999 * * * *",
            "+1 * * * *",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }

    #[test]
    fn fields_are_written_out() {
        let schedule: Schedule = "*/20 8-10 * * 0,6".parse().expect("valid");
        let [minutes, hours, days, months, weekdays] = schedule.fields();
        assert_eq!((minutes, hours, weekdays), (vec![0, 20, 40], vec![8, 9, 10], vec![0, 6]));
        assert_eq!((days.len(), months.len()), (31, 12));
    }
}
