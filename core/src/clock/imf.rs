//! Dates as HTTP writes them.

use std::time::SystemTime;

use super::{Utc, rfc3339};
use crate::inline_text::InlineText;

/// As [`Utc`] counts them.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the one form of a date that HTTP permits to be sent, such as `Sun, 06 Nov 1994 08:49:37 GMT`, from 1970 on. `None` where it is
/// something else.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let time = skyport_core::clock::http_date("Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_eq!(time, Some(UNIX_EPOCH + Duration::from_secs(784_111_777)));
/// assert_eq!(skyport_core::clock::http_date("1994-11-06T08:49:37Z"), None);
/// ```
#[must_use]
pub fn http_date(text: &str) -> Option<SystemTime> {
    let (_weekday, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if words.next().is_some() {
        return None;
    }
    rfc3339(&format!("{year}-{month:02}-{day}T{time}Z"))
}

/// A time in that form, without its fraction of a second; one before 1970 as 1970. It needs no allocation.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
/// assert_eq!(skyport_core::clock::to_http_date(time).as_str(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[must_use]
pub fn to_http_date(time: SystemTime) -> InlineText<32> {
    let utc = Utc::of(time);
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
    };
    let mut put = |at: usize, text: &[u8]| {
        if let Some(place) = date.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    };
    let two = |number: u64| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    put(0, name(&WEEKDAYS, utc.weekday).as_bytes());
    put(5, &two(utc.day));
    put(8, name(&MONTHS, utc.month.saturating_sub(1)).as_bytes());
    put(12, &two(utc.year / 100));
    put(14, &two(utc.year));
    put(17, &two(utc.hour));
    put(20, &two(utc.minute));
    put(23, &two(utc.second));
    // Letters and digits alone.
    InlineText::new(std::str::from_utf8(&date).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn dates_of_http_are_read_and_nothing_else() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(http_date(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
            assert_eq!(to_http_date(UNIX_EPOCH + Duration::from_secs(seconds)).as_str(), text);
        }
        for odd in [
            "",
            "GMT",
            "Thu, 01 Jan 1970 00:00:00",
            "Thu, 1 Jan 1970 00:00:00 GMT",
            "Thu, 01 jan 1970 00:00:00 GMT",
            "Thu, 32 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 x GMT",
            "Thu, 01 Jan 1970-01-01T00:00:00Z 00:00:00 GMT",
            "Thursday, 01-Jan-70 00:00:00 GMT",
        ] {
            assert_eq!(http_date(odd), None, "{odd}");
        }
    }
}
