//! Points in time as clouds write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads RFC 3339 from 1970 to 9999, such as `2026-11-26T13:03:16.192Z`, with any number of fractional digits up to 9, and
/// `Z` or an offset. `None` where it is something else.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let time = skyport_core::clock::rfc3339("1970-01-02T00:00:00.5Z");
/// assert_eq!(time, Some(UNIX_EPOCH + Duration::from_millis(86_400_500)));
/// assert_eq!(skyport_core::clock::rfc3339("yesterday"), None);
/// ```
#[must_use]
pub fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = (rest.get(..8)?, rest.get(8..)?);
    let (nanos, zone) = fraction(rest)?;
    let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, b':', [2, 2, 2])?;
    // A leap second is the next minute's first.
    let valid = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid || year < 1970 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let seconds = u64::try_from(seconds - offset(zone)?).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

/// The fraction of a second in nanoseconds, and what follows it.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, zone) = rest.split_at(end);
    let scale = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?).filter(|scale| *scale < 9)?;
    Some((digits.parse::<u32>().ok()? * 10_u32.pow(scale), zone))
}

/// How many seconds a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let [hours, minutes] = numbers(zone.get(1..)?, b':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Numbers of exactly these many digits with a separator between them.
fn numbers<const N: usize>(text: &str, separator: u8, digits: [usize; N]) -> Option<[i64; N]> {
    let mut rest = text.as_bytes();
    let mut numbers = [0; N];
    for (at, (number, length)) in numbers.iter_mut().zip(digits).enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(&[separator])?;
        }
        let (part, after) = rest.split_at_checked(length)?;
        for digit in part {
            *number = *number * 10 + i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        }
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar since 1970, for years from 1970 on.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps(before) - leaps(1969);
    (1..month).map(|month| days_of(year, month)).sum::<i64>() + years + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        rfc3339(text).map(|time| time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs())
    }

    #[test]
    fn points_in_time_are_read_to_the_nanosecond() {
        assert_eq!(seconds("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(seconds("2026-11-26T13:03:16+00:00"), Some(1_795_698_196));
        assert_eq!(seconds("2026-11-26T14:33:16+01:30"), Some(1_795_698_196));
        assert_eq!(seconds("2026-11-26T11:33:16-01:30"), Some(1_795_698_196));
        assert_eq!(seconds("2100-03-01T00:00:00Z"), Some(4_107_542_400));
        assert_eq!(seconds("9999-12-31T23:59:59Z"), Some(253_402_300_799));
        let fine = rfc3339("1970-01-01T00:00:00.123456789Z").expect("valid");
        assert_eq!(fine, UNIX_EPOCH + Duration::from_nanos(123_456_789));
    }

    #[test]
    fn what_is_no_point_in_time_is_none() {
        for text in [
            "",
            "2026",
            "2026-11-26",
            "2026-11-26T13:03:16",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00Zulu",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:0\u{e9}Z",
            "\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
