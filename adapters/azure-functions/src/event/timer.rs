//! Schedules: which instant has come.
//!
//! The host tells when it called (`sys.UtcNow`), whether that was late, and, where it keeps the schedule's state, the times before and
//! after: 1 January of the year 1 where there was none. While a function runs, the one after is the instant that has come, also where the host repeats a call
//! that has failed; but not where a call is late, or made by hand. Then, and where no state is kept, the instant is taken from the function's own
//! schedule: its last one before the host called.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;
use skyport_core::schedule::Schedule;

use super::envelope::each;
use super::once;

/// How much too early a timer of the host may go off.
const EARLY: Duration = Duration::from_secs(5);

/// Every schedule comes within so many minutes: 29 February may be eight years away.
const LONGEST: u64 = 366 * 9 * 1_440;

/// When the host called, where it tells.
pub(crate) fn called_at(sys: Option<&RawValue>) -> Option<SystemTime> {
    let mut at = None;
    let _ = each(sys?.get(), |name, value| {
        if name == "UtcNow" {
            at = once::time(value);
        }
    });
    at
}

/// The instant that has come, as the state of the schedule says it: one of the function's own schedule, which is not later than the call.
pub(crate) fn told(data: Option<&RawValue>, schedule: &Schedule, called: SystemTime) -> Option<SystemTime> {
    let (mut late, mut next) = (false, None);
    each(data?.get(), |name, value| match name {
        "IsPastDue" => late = value.get() != "false",
        "ScheduleStatus" => {
            let _ = each(value.get(), |name, value| {
                if name == "Next" {
                    next = once::time(value);
                }
            });
        }
        _ => {}
    })
    .ok()?;
    let next = next.filter(|next| !late && *next <= called.checked_add(EARLY).unwrap_or(called))?;
    let before = next.checked_sub(Duration::from_secs(60))?;
    (schedule.next_after(before) == Some(next)).then_some(next)
}

/// The instant of the schedule that came last before `called`; the minute of `called` where it has never come.
pub(crate) fn instant(schedule: &Schedule, called: SystemTime) -> SystemTime {
    let latest = called.checked_add(EARLY).unwrap_or(called);
    let now = latest.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60);
    let minute = |minutes: u64| UNIX_EPOCH + Duration::from_secs(minutes * 60);
    // The first instant after a minute; of all minutes that one not later than now comes after, the last.
    let after = |minutes: u64| schedule.next_after(minute(minutes)).filter(|next| *next <= minute(now));
    let (mut has, mut has_not) = (now.saturating_sub(LONGEST), now);
    let Some(mut last) = after(has) else { return minute(now) };
    while has + 1 < has_not {
        let middle = has + (has_not - has) / 2;
        match after(middle) {
            Some(later) => (has, last) = (middle, later),
            None => has_not = middle,
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skyport_core::clock::rfc3339;

    use super::*;

    fn at(text: &str) -> SystemTime {
        rfc3339(text).expect("a time")
    }

    #[test]
    fn the_instant_is_the_last_of_the_functions_own_schedule() {
        for (schedule, called, instant) in [
            ("*/5 * * * *", "2026-11-26T13:05:00.0123456Z", "2026-11-26T13:05:00Z"),
            ("*/5 * * * *", "2026-11-26T13:09:59Z", "2026-11-26T13:10:00Z"),
            ("*/5 * * * *", "2026-11-26T13:09:30Z", "2026-11-26T13:05:00Z"),
            ("0 3 * * *", "2026-11-26T02:59:59.990Z", "2026-11-26T03:00:00Z"),
            ("0 3 * * *", "2026-11-26T09:00:00Z", "2026-11-26T03:00:00Z"),
            ("0 3 1 1 *", "2026-11-26T09:00:00Z", "2026-01-01T03:00:00Z"),
            ("0 0 29 2 *", "2026-11-26T09:00:00Z", "2024-02-29T00:00:00Z"),
            ("* * * * *", "2026-11-26T09:00:40Z", "2026-11-26T09:00:00Z"),
        ] {
            let parsed: Schedule = schedule.parse().expect("a schedule");
            assert_eq!(super::instant(&parsed, at(called)), at(instant), "{schedule} {called}");
        }
    }

    #[test]
    fn a_call_that_is_repeated_is_for_the_instant_of_the_first() {
        let schedule: Schedule = "*/5 * * * *".parse().expect("a schedule");
        let of = |status: &str, late: &str| {
            let data = format!(r#"{{"Schedule":{{}},"ScheduleStatus":{status},"IsPastDue":{late}}}"#);
            let data = RawValue::from_string(data).expect("JSON");
            told(Some(&data), &schedule, at("2026-11-26T13:11:00Z"))
        };
        let next = |time: &str| format!(r#"{{"Last":"0001-01-01T00:00:00","Next":"{time}"}}"#);
        assert_eq!(of(&next("2026-11-26T13:05:00+00:00"), "false"), Some(at("2026-11-26T13:05:00Z")));
        for (status, late) in [
            (next("2026-11-26T13:05:00+00:00"), "true"),
            // To come, none of the schedule's, and without a zone.
            (next("2026-11-26T13:15:00+00:00"), "false"),
            (next("2026-11-26T13:06:00+00:00"), "false"),
            (next("2026-11-26T13:05:00"), "false"),
            ("null".to_owned(), "false"),
            ("{}".to_owned(), "false"),
        ] {
            assert_eq!(of(&status, late), None, "{status} {late}");
        }
        assert_eq!(told(None, &schedule, at("2026-11-26T13:11:00Z")), None);
    }

    #[test]
    fn before_a_schedule_has_ever_come_the_minute_is_taken() {
        let schedule: Schedule = "0 0 29 2 *".parse().expect("a schedule");
        assert_eq!(instant(&schedule, at("1970-01-01T00:01:30Z")), at("1970-01-01T00:01:00Z"));
    }

    #[test]
    fn when_the_host_called_is_read_from_what_it_tells() {
        let of = |json: &str| called_at(Some(&RawValue::from_string(json.to_owned()).expect("JSON")));
        let told = r#"{"MethodName":"sweep","UtcNow":"2026-11-26T13:05:00.0123456Z","RandGuid":"x"}"#;
        assert_eq!(of(told), Some(at("2026-11-26T13:05:00.0123456Z")));
        for none in ["{}", "null", "[]", r#"{"UtcNow":"0001-01-01T00:00:00"}"#, r#"{"UtcNow":7}"#] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(called_at(None), None);
    }

    proptest! {
        #[test]
        fn the_instant_is_one_of_the_schedule_and_none_lies_between(
            minutes in 1_000_000_u64..40_000_000,
            seconds in 0_u64..55,
        ) {
            for schedule in ["*/7 * * * *", "10,40 3,21 * * *", "0 0 * * 1", "15 5 31 * *"] {
                let schedule: Schedule = schedule.parse().expect("a schedule");
                let called = UNIX_EPOCH + Duration::from_secs(minutes * 60 + seconds);
                let instant = instant(&schedule, called);
                prop_assert!(instant <= called);
                prop_assert_eq!(schedule.next_after(instant - Duration::from_secs(60)), Some(instant));
                prop_assert!(schedule.next_after(instant).expect("comes again") > called);
            }
        }
    }
}
