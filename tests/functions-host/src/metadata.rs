//! A folder as it is deployed: `host.json`, and a folder with a `function.json` for each function.
//!
//! What is refused here, the host refuses when it starts: `HostJsonFileConfigurationSource.cs`, `HostFunctionMetadataProvider.cs`,
//! `FunctionDescriptorProvider.cs` (`ValidateFunction`, `ValidateBinding`), `ScriptHost.cs` (`ValidateHttpFunction`), `Utility.cs` (the names), `HttpWorkerOptionsSetup.cs`
//! and `HttpWorkerDescription.cs` of azure-functions-host. The names of binding types are those of the extension bundle that this stands in for: any
//! other is refused, since no driver for it is here.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::cron::Cron;
use crate::fault::{Fault, Result};
use crate::host_json::{HostJson, time_span};
use crate::route::Template;

/// All that is deployed beside the program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deployed {
    /// The host's settings.
    pub host: HostJson,
    /// The functions, in the order of their names.
    pub functions: Vec<Function>,
}

/// A function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Function {
    /// Its name, which is its folder's.
    pub name: String,
    /// The name of the trigger's binding: the key of its data.
    pub binding: String,
    /// What starts it.
    pub trigger: Trigger,
    /// The name of its HTTP output, where it has one.
    pub http_output: Option<String>,
    /// How a call that has failed is repeated.
    pub retry: Option<Retry>,
}

/// How a call that has failed is repeated: by the strategy `exponentialBackoff`.
///
/// From `RetryOptions` in `ScriptHost.cs` and `FunctionMetadataExtensions.cs` of azure-functions-host, and `ExponentialBackoffRetryAttribute.cs` of azure-webjobs-sdk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// So often, at most.
    pub count: u32,
    /// The first pause.
    pub least: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl Retry {
    fn parse(json: &Value) -> Result<Option<Self>> {
        if json.is_null() {
            return Ok(None);
        }
        if json["strategy"] != "exponentialBackoff" {
            return Err(Fault::new("no driver for this strategy of `retry` is here"));
        }
        // Endless repetition, -1, is not here.
        let count = json["maxRetryCount"].as_u64().and_then(|count| u32::try_from(count).ok());
        let count = count.ok_or_else(|| Fault::new("`retry` has no maxRetryCount"))?;
        let span = |name: &str| time_span(name, &json[name]);
        let (least, most) = (span("minimumInterval")?, span("maximumInterval")?);
        if least > most {
            return Err(Fault::new("`retry` has a minimumInterval that is longer than its maximumInterval"));
        }
        Ok(Some(Self { count, least, most }))
    }

    /// The pause before this repetition, from 1. The host's own are a fifth longer or shorter at random.
    pub(crate) fn pause(&self, repetition: u32) -> Duration {
        self.least.saturating_mul(1 << repetition.saturating_sub(1).min(20)).min(self.most)
    }
}

/// What starts a function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trigger {
    /// Requests.
    Http {
        /// Of these paths.
        route: Template,
        /// Of these methods, in upper case; `None` for all.
        methods: Option<Vec<String>>,
        /// Whether anyone may call it.
        anonymous: bool,
    },
    /// Messages of Queue Storage.
    Queue {
        /// Of this queue.
        queue: String,
        /// The name of the setting that says how to get there.
        connection: String,
    },
    /// Time.
    Timer(Cron),
    /// Events of Event Grid.
    EventGrid,
}

impl Deployed {
    /// Reads a folder.
    ///
    /// # Errors
    /// Where the host would not start, or one of its functions would not.
    pub fn read(folder: &Path) -> Result<Self> {
        let host = HostJson::parse(&json(&folder.join("host.json"))?)?;
        let unreadable = |error| Fault::because("the folder cannot be read", error);
        let mut functions = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let file = path.join("function.json");
            if !file.is_file() {
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Fault::new("a function's name is no text"))?;
            functions.push(Function::parse(name, &json(&file)?)?);
        }
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        let mut names = HashSet::new();
        if let Some(twice) = functions.iter().find(|function| !names.insert(function.name.to_lowercase())) {
            return Err(Fault::new(format!("there are two functions `{}`", twice.name)));
        }
        Ok(Self { host, functions })
    }

    /// The function of that name; case does not count.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name.eq_ignore_ascii_case(name))
    }
}

impl Function {
    /// Reads a `function.json`.
    ///
    /// # Errors
    /// Where the host would not start the function.
    pub fn parse(name: &str, json: &Value) -> Result<Self> {
        let fault = |text: String| Fault::new(format!("function `{name}`: {text}"));
        if !is_function_name(name) {
            return Err(fault("this is no valid function name".to_owned()));
        }
        let bindings = json["bindings"].as_array().filter(|bindings| !bindings.is_empty());
        let bindings = bindings.ok_or_else(|| fault("at least one binding must be declared".to_owned()))?;
        let mut names = HashSet::new();
        let mut triggers = Vec::new();
        let mut http_output = None;
        for binding in bindings {
            let text = |key: &str| binding[key].as_str();
            let (Some(own), Some(kind)) = (text("name"), text("type")) else {
                return Err(fault("a binding has a name and a type".to_owned()));
            };
            if !is_binding_name(own) || !names.insert(own.to_lowercase()) {
                return Err(fault(format!("`{own}` is no name for a binding, or there are two of it")));
            }
            let trigger = kind.to_lowercase().ends_with("trigger");
            match text("direction") {
                Some("in") if trigger => triggers.push((own, kind, binding)),
                Some("out") if kind.eq_ignore_ascii_case("http") => http_output = Some(own.to_owned()),
                direction => {
                    return Err(fault(format!(
                        "no driver for `{kind}` of the direction {direction:?} is here"
                    )));
                }
            }
        }
        let [(own, kind, binding)] = triggers[..] else {
            return Err(fault(format!("it must have one trigger, and has {}", triggers.len())));
        };
        let trigger = Trigger::parse(name, kind, binding).map_err(|error| fault(error.to_string()))?;
        if matches!(trigger, Trigger::Http { .. }) != http_output.is_some() {
            return Err(fault("an HTTP trigger and an HTTP output belong together".to_owned()));
        }
        let retry = Retry::parse(&json["retry"]).map_err(|error| fault(error.to_string()))?;
        // The host passes it over where a trigger has its own way to repeat: whoever writes it there means something else.
        if retry.is_some() && !matches!(trigger, Trigger::Timer(_)) {
            return Err(fault("only timers are repeated by `retry`".to_owned()));
        }
        Ok(Self { name: name.to_owned(), binding: own.to_owned(), trigger, http_output, retry })
    }
}

impl Trigger {
    fn parse(function: &str, kind: &str, binding: &Value) -> Result<Self> {
        let text = |key: &str| binding[key].as_str().filter(|text| !text.is_empty());
        match kind {
            "httpTrigger" => {
                let route = Template::parse(text("route").unwrap_or(function))?;
                let anonymous = match text("authLevel").unwrap_or("function") {
                    "anonymous" => true,
                    "function" | "admin" => false,
                    other => return Err(Fault::new(format!("there is no authLevel `{other}`"))),
                };
                let methods = match &binding["methods"] {
                    Value::Null => None,
                    Value::Array(methods) => Some(
                        methods
                            .iter()
                            .map(|method| method.as_str().map(str::to_uppercase))
                            .collect::<Option<Vec<_>>>()
                            .ok_or_else(|| Fault::new("a method is a text"))?,
                    ),
                    _ => return Err(Fault::new("methods are a list")),
                };
                Ok(Self::Http { route, methods, anonymous })
            }
            "queueTrigger" => {
                let queue = text("queueName").filter(|name| is_queue_name(name));
                let queue =
                    queue.ok_or_else(|| Fault::new("its queueName is no name of a queue"))?.to_owned();
                // Without one it is `AzureWebJobsStorage`.
                let connection = text("connection").unwrap_or("AzureWebJobsStorage").to_owned();
                Ok(Self::Queue { queue, connection })
            }
            "timerTrigger" => {
                let schedule = text("schedule").ok_or_else(|| Fault::new("a timer has a schedule"))?;
                Ok(Self::Timer(Cron::parse(schedule)?))
            }
            "eventGridTrigger" => Ok(Self::EventGrid),
            other => Err(Fault::new(format!("no driver for `{other}` is here"))),
        }
    }
}

/// `FunctionNameValidationRegex` of `Utility.cs`.
fn is_function_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(rest)
        && !name.eq_ignore_ascii_case("host")
}

/// `BindingNameValidationRegex` of `Utility.cs`.
fn is_binding_name(name: &str) -> bool {
    let plain = (1..=128).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain || name == "$return"
}

/// Queue Storage's rule.
fn is_queue_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn json(path: &Path) -> Result<Value> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Fault::new(format!("{shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Fault::new(format!("{shown} is no JSON: {error}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queue(name: &str) -> Value {
        json!({"bindings": [{"name": "message", "type": "queueTrigger", "direction": "in", "queueName": name, "connection": "Data"}]})
    }

    #[test]
    fn a_function_of_a_queue_is_read() {
        let function = Function::parse("resize", &queue("photos-resize")).unwrap();
        assert_eq!((function.binding.as_str(), function.http_output), ("message", None));
        assert!(
            matches!(function.trigger, Trigger::Queue { queue, connection } if queue == "photos-resize" && connection == "Data")
        );
    }

    #[test]
    fn what_the_host_would_not_start_is_refused() {
        for name in ["", "1st", "host", "Host", "a b", "a.b", &"a".repeat(129)] {
            assert!(Function::parse(name, &queue("queue")).is_err(), "{name}");
        }
        for name in ["ab", "Upper", "a--b", "-ab", "ab-", &"a".repeat(64)] {
            assert!(Function::parse("f", &queue(name)).is_err(), "{name}");
        }
        let mut two = queue("queue");
        let first = two["bindings"][0].clone();
        two["bindings"].as_array_mut().unwrap().push(first);
        assert!(Function::parse("f", &two).is_err());
        let no_output = json!({"bindings": [{"name": "request", "type": "httpTrigger", "direction": "in", "route": "{*path}"}]});
        assert!(Function::parse("f", &no_output).is_err());
        assert!(Function::parse("f", &json!({"bindings": []})).is_err());
    }
}
