//! Schedules: which instant has come, and whose it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use skyport_core::app::{FunctionRef, Functions, Sources};
use skyport_core::clock::rfc3339;

use crate::failure::Failure;

/// The instant that was scheduled. Rules may tell a few seconds more: an instant is a whole minute.
pub(crate) fn instant(time: &Value) -> Result<SystemTime, Failure> {
    let time = time.as_str().and_then(rfc3339).ok_or_else(|| {
        Failure::event(
            "a schedule's event tells no time of RFC 3339; in an input of your own write \
             \"scheduled\":\"<aws.scheduler.scheduled-time>\"",
        )
    })?;
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(UNIX_EPOCH + Duration::from_secs(seconds - seconds % 60))
}

/// The function of a schedule's event, which may be called after its rule.
pub(crate) fn function<'f>(sources: Sources<'f>, event: &Value) -> Result<FunctionRef<'f>, Failure> {
    let resources = event["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules: Vec<&str> = resources.iter().filter_map(Value::as_str).filter_map(rule).collect();
    sources.schedule(&rules).map_err(|error| Failure::strange(&error))
}

/// The function that a marker names.
pub(crate) fn marked<'f>(functions: &'f Functions, event: &Value) -> Result<FunctionRef<'f>, Failure> {
    let name = event["skyport"]["schedule"].as_str().unwrap_or_default();
    let function = functions.function(name)?;
    Sources::new(functions, Some(function)).schedule(&[]).map_err(|error| Failure::strange(&error))
}

/// The name of a rule (`..:rule/name`, on a bus `..:rule/bus/name`) or schedule (`..:schedule/group/name`).
fn rule(arn: &str) -> Option<&str> {
    let (_, path) = arn.split_once(":rule/").or_else(|| arn.split_once(":schedule/"))?;
    path.rsplit('/').next()
}
