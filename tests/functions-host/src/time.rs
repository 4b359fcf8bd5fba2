//! Points in time, in UTC, as .NET writes them in JSON.

use std::time::{SystemTime, UNIX_EPOCH};

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: u64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) weekday: u32,
}

impl Civil {
    /// Of so many days after 1 January 1970.
    pub(crate) fn of_day(days: u64) -> Self {
        let leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let (mut rest, mut year) = (days, 1970);
        while rest >= 365 + u64::from(leap(year)) {
            rest -= 365 + u64::from(leap(year));
            year += 1;
        }
        let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for length in lengths {
            if rest < length {
                break;
            }
            rest -= length;
            month += 1;
        }
        Self { year, month, day: rest as u32 + 1, weekday: ((days + 4) % 7) as u32 }
    }
}

/// To the second, with a zone: a `DateTimeOffset` that went through its own text, as `GetHttpScriptInvocationContextValue` has it.
pub(crate) fn offset(time: SystemTime) -> String {
    format!("{}+00:00", seconds(time))
}

/// With seven digits of a second, and `Z`: a `DateTime` of the kind UTC.
pub(crate) fn utc(time: SystemTime) -> String {
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    format!("{}.{:07}Z", seconds(time), nanos / 100)
}

fn seconds(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let day = Civil::of_day(since / 86_400);
    let clock = since % 86_400;
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", day.year, day.month, day.day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_instant_is_written_as_dotnet_does() {
        let time = UNIX_EPOCH + Duration::new(1_795_489_200, 123_456_789);
        assert_eq!(offset(time), "2026-11-24T03:00:00+00:00");
        assert_eq!(utc(time), "2026-11-24T03:00:00.1234567Z");
        assert_eq!(Civil::of_day(20_781).weekday, 2);
    }
}
