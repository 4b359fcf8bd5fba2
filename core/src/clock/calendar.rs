//! A point in time by the calendar.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time in UTC, by the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    /// From 1970.
    pub year: u64,
    /// From 1.
    pub month: u64,
    /// From 1.
    pub day: u64,
    /// 0 is a Thursday, as the first of 1970 was.
    pub weekday: u64,
    /// From 0.
    pub hour: u64,
    /// From 0.
    pub minute: u64,
    /// From 0.
    pub second: u64,
}

impl Utc {
    /// This point in time, without its fraction of a second; one before 1970 as 1970.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            weekday: days % 7,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// Year, month and day of a day since 1970: counted in eras of 400 years that begin in March, so that the leap day is a
/// year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let since_march_0 = days + 719_468;
    let (era, of_era) = (since_march_0 / 146_097, since_march_0 % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let january_or_later = month >= 10;
    let year = era * 400 + year + u64::from(january_or_later);
    (year, (month + 2) % 12 + 1, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_point_in_time_has_its_date() {
        let of = |seconds| {
            let utc = Utc::of(UNIX_EPOCH + Duration::from_secs(seconds));
            (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second)
        };
        assert_eq!(of(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(of(951_782_400), (2000, 2, 29, 0, 0, 0));
        assert_eq!(of(1_735_689_599), (2024, 12, 31, 23, 59, 59));
        assert_eq!(of(4_107_542_400), (2100, 3, 1, 0, 0, 0));
        assert_eq!(Utc::of(UNIX_EPOCH - Duration::from_secs(1)).year, 1970);
    }
}
