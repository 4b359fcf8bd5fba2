//! Times, and when things happen.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::HeaderValue;
use skyport_aws_wire::xray;
use skyport_core::TraceContext;
use skyport_core::clock::{Utc, from_millis, http_date, rfc3339, to_millis};
use skyport_core::schedule::Schedule;

use crate::{sound, text};

/// The last second that is written with four digits of a year.
const LAST: u64 = 253_402_300_799;

/// A schedule is read again as the same, and each of its instants is a minute that it names, after the one before.
pub(super) fn schedule(input: &[u8]) {
    let text = text::of(input);
    let schedule: Schedule = match text.parse() {
        Ok(schedule) => schedule,
        Err(error) => {
            sound::refusal(&error);
            return;
        }
    };
    assert_eq!(schedule.to_string().parse::<Schedule>().expect("our own"), schedule);
    let fields = schedule.fields();
    assert!(fields.iter().all(|field| !field.is_empty()));
    let mut before = UNIX_EPOCH + Duration::from_secs(1_795_464_930);
    for _ in 0..4 {
        let Some(next) = schedule.next_after(before) else { break };
        assert!(next > before);
        let utc = Utc::of(next);
        assert_eq!(to_millis(next) % 60_000, 0);
        let parts = [utc.minute, utc.hour, utc.day, utc.month];
        for (field, part) in fields.iter().zip(parts) {
            assert!(field.iter().any(|number| u64::from(*number) == part), "{schedule} {utc:?}");
        }
        before = next;
    }
    assert_eq!(schedule.next_after(UNIX_EPOCH + Duration::from_secs(LAST)), None);
}

/// A time that is read is told by the calendar as it was written, and written so is the same.
pub(super) fn dates(input: &[u8]) {
    let text = text::of(input);
    for time in [rfc3339(&text), http_date(&text)].into_iter().flatten() {
        assert!(time >= UNIX_EPOCH);
        // An offset may lead beyond what has four digits.
        if time <= UNIX_EPOCH + Duration::from_secs(LAST) {
            assert_eq!(rfc3339(&written(time)), Some(time), "{text}");
            assert_eq!(to_millis(from_millis(to_millis(time))), to_millis(time));
        }
    }
    if let Ok(millis) = text.trim().parse::<u64>() {
        let time = from_millis(millis);
        assert_eq!(rfc3339(&written(time)), Some(time), "{millis}");
    }
}

fn written(time: SystemTime) -> String {
    let Utc { year, month, day, hour, minute, second, .. } = Utc::of(time);
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// A trace that is read is written and read again as the same.
pub(super) fn traces(input: &[u8]) {
    let ([parent, state, header], _) = text::lines(input);
    let mut headers = HeaderMap::new();
    for (name, value) in [("traceparent", &parent), ("tracestate", &state)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if let Some(trace) = TraceContext::from_headers(&headers) {
        same(&trace, &trace.traceparent().parse().expect("our own"));
        same(&trace, &xray::read(&xray::write(&trace)).expect("our own"));
        let json = serde_json::to_string(&trace).expect("JSON");
        let again: TraceContext = serde_json::from_str(&json).expect("our own");
        assert_eq!(again, trace);
    }
    if let Some(trace) = xray::read(&header) {
        same(&trace, &xray::read(&xray::write(&trace)).expect("our own"));
    }
    if let Err(error) = header.parse::<TraceContext>() {
        sound::refusal(&error);
    }
}

fn same(one: &TraceContext, other: &TraceContext) {
    assert_eq!((one.trace_id(), one.span_id()), (other.trace_id(), other.span_id()));
    assert_eq!(one.is_sampled(), other.is_sampled());
}
