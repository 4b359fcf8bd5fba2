//! Dates as HTTP writes them.

use std::time::SystemTime;

use super::rfc3339;

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
