//! `host.json`.
//!
//! From `HostJsonFileConfigurationSource.cs`, `HttpWorkerOptionsSetup.cs`, `HttpWorkerDescription.cs` and `ScriptJobHostOptionsSetup.cs` of azure-functions-host, and
//! `QueuesOptions.cs` of the extension of Storage.

use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, Result};

/// What stands in `host.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostJson {
    /// In which form requests reach the program.
    pub form: Form,
    /// What stands before each route, without slashes around it.
    pub route_prefix: String,
    /// How queues are listened to.
    pub queues: QueueOptions,
    /// The program.
    pub executable: String,
    /// What the program is started with.
    pub arguments: Vec<String>,
    /// The most time of a call; `None` for no end.
    pub function_timeout: Option<Duration>,
}

/// The forms in which requests reach the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The request itself, by a reverse proxy (YARP).
    Proxied,
    /// The request, written anew.
    Forwarded,
    /// The request as JSON.
    Wrapped,
}

/// How queues are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueOptions {
    /// Whether a message's text is base64.
    pub base64: bool,
    /// After so many deliveries a message that failed goes to the poison queue.
    pub max_dequeue_count: u64,
    /// For so long a message that failed is not seen.
    pub visibility_timeout: Duration,
    /// So many messages are taken at once.
    pub batch_size: usize,
    /// Where no more than so many are under way, the next are taken.
    pub new_batch_threshold: usize,
    /// The longest pause between two looks into an empty queue.
    pub max_polling_interval: Duration,
}

impl HostJson {
    /// Reads one.
    ///
    /// # Errors
    /// Where the host would not start.
    pub fn parse(json: &Value) -> Result<Self> {
        if json["version"] != "2.0" {
            return Err(Fault::new("host.json: the version must be \"2.0\""));
        }
        bundle(json)?;
        let handler = &json["customHandler"];
        let description = &handler["description"];
        let executable = description["defaultExecutablePath"].as_str().filter(|path| !path.is_empty());
        let executable = executable.ok_or_else(|| {
            Fault::new("host.json: customHandler.description.defaultExecutablePath is empty")
        })?;
        let flag = |name: &str| handler[name].as_bool().unwrap_or(false);
        let form = match (flag("enableProxyingHttpRequest"), flag("enableForwardingHttpRequest")) {
            (true, _) => Form::Proxied,
            (false, true) => Form::Forwarded,
            (false, false) => Form::Wrapped,
        };
        let arguments = description["arguments"].as_array().into_iter().flatten();
        let prefix = json["extensions"]["http"]["routePrefix"].as_str().unwrap_or("api");
        Ok(Self {
            form,
            route_prefix: prefix.trim_matches('/').to_owned(),
            queues: QueueOptions::parse(&json["extensions"]["queues"])?,
            executable: executable.to_owned(),
            arguments: arguments.filter_map(|argument| argument.as_str().map(str::to_owned)).collect(),
            function_timeout: match &json["functionTimeout"] {
                Value::Null => Some(Duration::from_secs(30 * 60)),
                Value::String(text) if text == "-1" => None,
                other => Some(time_span("functionTimeout", other)?),
            },
        })
    }
}

/// Without the bundle there are no triggers but of HTTP and time.
fn bundle(json: &Value) -> Result<()> {
    let bundle = &json["extensionBundle"];
    let version = bundle["version"].as_str().unwrap_or_default();
    if bundle["id"] == "Microsoft.Azure.Functions.ExtensionBundle" && version == "[4.*, 5.0.0)" {
        return Ok(());
    }
    Err(Fault::new(
        "host.json: this stands in for version [4.*, 5.0.0) of Microsoft.Azure.Functions.ExtensionBundle",
    ))
}

impl QueueOptions {
    fn parse(json: &Value) -> Result<Self> {
        let whole = |name: &str, default: u64, least: u64, most: u64| {
            let number = if json[name].is_null() { Some(default) } else { json[name].as_u64() };
            let fits = number.filter(|number| (least..=most).contains(number));
            fits.ok_or_else(|| Fault::new(format!("host.json: queues.{name} is from {least} to {most}")))
        };
        let span = |name: &str, default: Duration| match &json[name] {
            Value::Null => Ok(default),
            value => time_span(name, value),
        };
        let batch_size = whole("batchSize", 16, 1, 32)?;
        let base64 = match json["messageEncoding"].as_str().unwrap_or("base64") {
            "base64" => true,
            "none" => false,
            other => return Err(Fault::new(format!("host.json: there is no messageEncoding `{other}`"))),
        };
        let max_polling_interval = span("maxPollingInterval", Duration::from_secs(2))?;
        if max_polling_interval < Duration::from_millis(100) {
            return Err(Fault::new("host.json: queues.maxPollingInterval is less than 100 ms"));
        }
        Ok(Self {
            base64,
            max_dequeue_count: whole("maxDequeueCount", 5, 1, i32::MAX as u64)?,
            visibility_timeout: span("visibilityTimeout", Duration::ZERO)?,
            batch_size: batch_size as usize,
            new_batch_threshold: whole("newBatchThreshold", batch_size / 2, 0, i32::MAX as u64)? as usize,
            max_polling_interval,
        })
    }
}

/// A `TimeSpan` as `host.json` has it: `hh:mm:ss`, perhaps with parts of a second.
pub(crate) fn time_span(name: &str, value: &Value) -> Result<Duration> {
    let parse = || {
        let mut parts = value.as_str()?.split(':');
        let hours: u32 = parts.next()?.parse().ok()?;
        let minutes: u32 = parts.next()?.parse().ok()?;
        let seconds = parts.next()?;
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let whole: u32 = whole.parse().ok()?;
        let fraction: f64 = format!("0.{fraction}").parse().ok()?;
        let fits = parts.next().is_none() && hours < 24 && minutes < 60 && whole < 60;
        fits.then(|| Duration::from_secs_f64(f64::from(hours * 3_600 + minutes * 60 + whole) + fraction))
    };
    parse().ok_or_else(|| Fault::new(format!("host.json: `{value}` of {name} is not hh:mm:ss")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "version": "2.0",
            "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
            "customHandler": {"description": {"defaultExecutablePath": "handler"}},
        })
    }

    #[test]
    fn what_is_not_said_is_as_the_host_has_it() {
        let host = HostJson::parse(&whole()).unwrap();
        assert_eq!((host.form, host.route_prefix.as_str()), (Form::Wrapped, "api"));
        assert_eq!(host.function_timeout, Some(Duration::from_secs(1_800)));
        let queues = host.queues;
        assert!(queues.base64);
        assert_eq!((queues.max_dequeue_count, queues.batch_size, queues.new_batch_threshold), (5, 16, 8));
        assert_eq!(
            (queues.visibility_timeout, queues.max_polling_interval),
            (Duration::ZERO, Duration::from_secs(2))
        );
    }

    #[test]
    fn proxying_goes_before_forwarding() {
        let mut json = whole();
        json["customHandler"]["enableForwardingHttpRequest"] = true.into();
        assert_eq!(HostJson::parse(&json).unwrap().form, Form::Forwarded);
        json["customHandler"]["enableProxyingHttpRequest"] = true.into();
        assert_eq!(HostJson::parse(&json).unwrap().form, Form::Proxied);
    }

    #[test]
    fn what_the_host_would_not_start_with_is_refused() {
        for (pointer, value) in [
            ("/version", json!("1.0")),
            ("/customHandler/description/defaultExecutablePath", json!("")),
            ("/extensionBundle/version", json!("[1.*, 2.0.0)")),
            ("/extensions", json!({"queues": {"maxDequeueCount": 0}})),
            ("/extensions", json!({"queues": {"batchSize": 33}})),
            ("/extensions", json!({"queues": {"messageEncoding": "utf8"}})),
            ("/extensions", json!({"queues": {"visibilityTimeout": "5"}})),
            ("/extensions", json!({"queues": {"visibilityTimeout": 5}})),
            ("/functionTimeout", json!("24:00:00")),
        ] {
            let mut json = whole();
            if pointer.matches('/').count() == 1 {
                json[&pointer[1..]] = value;
            } else {
                *json.pointer_mut(pointer).unwrap() = value;
            }
            assert!(HostJson::parse(&json).is_err(), "{pointer}");
        }
    }
}
