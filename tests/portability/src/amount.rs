//! Amounts as people read them.

use std::time::Duration;

const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/// `760 KiB`, `5 TiB`: in the largest unit that it has a whole number of, or, from ten thousand of that on, of the next.
pub(crate) fn size(bytes: u64) -> String {
    let (mut amount, mut unit) = (bytes, 0);
    while amount >= 1_024 && amount % 1_024 == 0 && unit + 1 < UNITS.len() {
        (amount, unit) = (amount / 1_024, unit + 1);
    }
    let (mut shown, mut about) = (amount, false);
    while shown >= 10_000 && unit + 1 < UNITS.len() {
        about |= shown % 1_024 != 0;
        (shown, unit) = (shown / 1_024, unit + 1);
    }
    let about = if about { "about " } else { "" };
    format!("{about}{} {}", grouped(shown), UNITS[unit])
}

/// `1,024 bytes`
pub(crate) fn bytes(bytes: usize) -> String {
    format!("{} bytes", grouped(bytes as u64))
}

/// `10,000`
pub(crate) fn count(count: usize) -> String {
    grouped(count as u64)
}

/// `15 minutes`, `7 days`
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let whole = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "seconds"));
    format!("{} {name}", grouped(seconds / unit))
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_largest_unit_that_leaves_it_short() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1_900, "1,900 bytes"),
            (384 << 10, "384 KiB"),
            (9_500 << 10, "9,500 KiB"),
            (5 << 40, "5 TiB"),
            (10_000 * (8 << 20), "about 78 GiB"),
            (20 << 40, "20 TiB"),
            (u64::MAX, "about 16,777,215 TiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn times_and_counts_are_in_words() {
        assert_eq!(time(Duration::from_secs(900)), "15 minutes");
        assert_eq!(time(Duration::from_secs(7 * 86_400)), "7 days");
        assert_eq!(time(Duration::from_secs(61)), "61 seconds");
        assert_eq!(
            (count(999), count(1_000), count(1_048_576)),
            ("999".into(), "1,000".into(), "1,048,576".into())
        );
    }
}
