//! Schedules: which instant has come, and whose it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use skyport_core::app::{FunctionRef, Functions, Trigger};
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

/// The function of a schedule's event: the one that this deployment is, the one that the rule is called after, or the
/// only one that has a schedule.
pub(crate) fn function<'f>(
    functions: &'f Functions,
    named: Option<FunctionRef<'f>>,
    event: &Value,
) -> Result<FunctionRef<'f>, Failure> {
    if let Some(named) = named {
        return scheduled(named);
    }
    let resources = event["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules: Vec<&str> = resources.iter().filter_map(Value::as_str).filter_map(rule).collect();
    let application = &functions.manifest().application;
    let all: Vec<FunctionRef<'_>> =
        functions.iter().filter(|function| matches!(function.trigger(), Trigger::Schedule(_))).collect();
    let called = |function: &&FunctionRef<'_>| {
        let name = function.name();
        let long = format!("{application}-{name}");
        rules.iter().any(|rule| *rule == name || *rule == long)
    };
    if let Some(function) = all.iter().find(called) {
        return Ok(*function);
    }
    match all[..] {
        [only] => Ok(only),
        [] => Err(Failure::event("a schedule's event came, and no function has a schedule")),
        _ => Err(Failure::event(format!(
            "a schedule's event came from `{}`, and it is not plain which function it is for: call the rule after the \
             function, or set SKYPORT_FUNCTION; there are {}",
            rules.join("`, `"),
            all.iter().map(|function| function.name()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The function that a marker names.
pub(crate) fn marked<'f>(functions: &'f Functions, event: &Value) -> Result<FunctionRef<'f>, Failure> {
    let name = event["skyport"]["schedule"].as_str().unwrap_or_default();
    scheduled(functions.function(name)?)
}

fn scheduled(function: FunctionRef<'_>) -> Result<FunctionRef<'_>, Failure> {
    match function.trigger() {
        Trigger::Schedule(_) => Ok(function),
        _ => Err(Failure::event(format!(
            "a schedule's event came for the function `{}`, which has no schedule",
            function.name()
        ))),
    }
}

/// The name of a rule (`..:rule/name`, on a bus `..:rule/bus/name`) or schedule (`..:schedule/group/name`).
fn rule(arn: &str) -> Option<&str> {
    let (_, path) = arn.split_once(":rule/").or_else(|| arn.split_once(":schedule/"))?;
    path.rsplit('/').next()
}
