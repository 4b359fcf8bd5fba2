//! Schedules of Cloud Scheduler: which instant has come, and whose it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use skyport_core::Result;
use skyport_core::clock::rfc3339;

use super::kind::JOB;
use super::malformed;

/// The header with the instant that was scheduled.
const TIME: &str = "x-cloudscheduler-scheduletime";

/// The longest name of a job in bytes.
const LONGEST: usize = 500;

/// A schedule's instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// The job's name, without the path before it.
    pub(crate) job: String,
    /// The instant that was scheduled: a whole minute, as the schedules of functions have it.
    pub(crate) scheduled: SystemTime,
}

/// The instant that a request tells of. A job that somebody runs by hand tells none: then it is `now`.
///
/// # Errors
/// `Malformed` where a header is not as Cloud Scheduler writes it.
pub(crate) fn tick(headers: &HeaderMap, now: SystemTime) -> Result<Tick> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let job = text(JOB).and_then(|job| job.rsplit('/').next()).unwrap_or_default();
    if job.is_empty() || job.len() > LONGEST {
        return Err(malformed("X-CloudScheduler-JobName is not the name of a job"));
    }
    let scheduled = match text(TIME) {
        None => now,
        Some(time) => {
            rfc3339(time).ok_or_else(|| malformed("X-CloudScheduler-ScheduleTime is no time of RFC 3339"))?
        }
    };
    let seconds = scheduled.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let scheduled = UNIX_EPOCH + Duration::from_secs(seconds - seconds % 60);
    Ok(Tick { job: job.to_owned(), scheduled })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(job: &'static str, time: Option<&'static str>) -> Result<Tick> {
        let mut headers = HeaderMap::new();
        headers.insert(JOB, http::HeaderValue::from_static(job));
        if let Some(time) = time {
            headers.insert(TIME, http::HeaderValue::from_static(time));
        }
        tick(&headers, UNIX_EPOCH + Duration::from_secs(61))
    }

    #[test]
    fn an_instant_is_a_whole_minute() {
        let told = of("nightly", Some("1970-01-01T03:00:12.345-07:00")).expect("sound");
        assert_eq!((&*told.job, told.scheduled), ("nightly", UNIX_EPOCH + Duration::from_secs(36_000)));
        let by_hand = of("projects/p/locations/l/jobs/nightly", None).expect("sound");
        assert_eq!((&*by_hand.job, by_hand.scheduled), ("nightly", UNIX_EPOCH + Duration::from_secs(60)));
    }

    #[test]
    fn what_cloud_scheduler_does_not_write_is_malformed() {
        assert!(of("nightly", Some("3 o'clock")).is_err());
        assert!(of("", Some("1970-01-01T03:00:00Z")).is_err());
        assert!(of("a/", None).is_err());
    }
}
