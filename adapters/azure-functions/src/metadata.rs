//! What is deployed beside the program: `host.json`, and a folder with a `function.json` for each function that the host is to call.
//!
//! ```
//! use skyport_azure_functions::metadata::Deployment;
//! use skyport_core::app::App;
//! use skyport_core::http::{Request, Response, route};
//!
//! # async fn hello(_: Request, _: skyport_core::app::Context<()>) -> skyport_core::app::HandlerResult<Response> { Ok(Response::text("Hello")) }
//! let app = App::<()>::new("hello").http("hello", route::get("/"), hello);
//! let files = Deployment::new("handler").files(&app.manifest()?)?;
//! let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
//! assert_eq!(names, ["host.json", "http/function.json"]);
//! # Ok::<(), skyport_core::Error>(())
//! ```
//!
//! - All requests come to one function, [`HTTP_FUNCTION`], whatever routes the application has: so are unknown paths and methods answered by the
//!   application, and not by the host.
//! - A function of a queue, a schedule or a bucket is one of Azure's, of the same name. A bucket's is started by Event Grid: the subscription
//!   for `Microsoft.Storage.BlobCreated` or `Microsoft.Storage.BlobDeleted` is yours to create, with the function as its endpoint.
//! - The host reads messages as they stand in the queue (`messageEncoding` is `none`); what it gives up after the largest `max_attempts` of all queues
//!   goes to `<queue>-poison`, where the application's own dead letters go.
//! - A schedule that fails is repeated by the host, up to four times with growing pauses: function.json says so.
//! - A schedule is written out in six fields, with lists. The host must run in UTC, as it does without `WEBSITE_TIME_ZONE`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use skyport_core::app::{FunctionManifest, Manifest, TriggerManifest};
use skyport_core::provider::ResourceKind;
use skyport_core::schedule::Schedule;
use skyport_core::{Error, ErrorKind, Result};

mod folder;

pub use folder::connection_of;
pub(crate) use folder::json_of;

/// The function that all requests come to.
pub const HTTP_FUNCTION: &str = "http";

/// The longest name of a queue whose dead letters' queue can still be named: 63 less `-poison`.
const QUEUE_NAME: usize = 56;

/// How the names of dead letters' queues end.
const POISON: &str = "-poison";

/// The host's longest time for a call, and before a message is seen again: its files know no days.
const DAY: Duration = Duration::from_secs(86_400);

/// The methods that are let through: all that the host itself writes out for an application that takes all.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// How an application is deployed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The program, as the host finds it in the folder: `handler`.
    pub executable: String,
    /// What the program is started with; nothing by default.
    pub arguments: Vec<String>,
    /// The setting that tells the host how to get to the queues: its connection string, or with `__queueServiceUri` behind its name the address for
    /// a managed identity. `AzureWebJobsStorage` by default, which is the host's own storage.
    pub connection: String,
    /// In which form requests come; proxied by default.
    pub http: HttpForm,
    /// How long a message waits that the program could not settle itself, in whole seconds; 30 s by default.
    pub retry_pause: Duration,
    /// The longest time of any call, in whole seconds; without it, it is the plan's: 5 min on the Consumption plan, else 30 min.
    pub function_timeout: Option<Duration>,
    /// The names of queues on Azure, by those of resources.
    pub queues: BTreeMap<String, String>,
}

/// In which form requests come to the program.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpForm {
    /// As they are, by a reverse proxy; bodies stream both ways.
    #[default]
    Proxied,
    /// Written anew by the host: an older setting, for hosts that do not proxy. Bodies whose length is not told are lost.
    Forwarded,
    /// As JSON. Answers are text.
    Wrapped,
}

/// One file.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Where it belongs, from the folder that is deployed: `resize/function.json`.
    pub path: String,
    /// What stands in it.
    pub content: Value,
}

impl Deployment {
    /// A deployment of this program.
    #[must_use]
    pub fn new(executable: impl Into<String>) -> Self {
        Self {
            executable: executable.into(),
            arguments: Vec::new(),
            connection: "AzureWebJobsStorage".to_owned(),
            http: HttpForm::default(),
            retry_pause: Duration::from_secs(30),
            function_timeout: None,
            queues: BTreeMap::new(),
        }
    }

    /// The queue `resource` of the application is the queue `name` of the storage account.
    #[must_use]
    pub fn queue(mut self, resource: impl Into<String>, name: impl Into<String>) -> Self {
        self.queues.insert(resource.into(), name.into());
        self
    }

    /// The files for an application.
    ///
    /// # Errors
    /// `InvalidArgument` for what cannot be deployed: a name that Azure does not take, a queue whose name is not told, a path that the host keeps for itself, a
    /// time that its files cannot say. `Unsupported` for an ordered queue.
    pub fn files(&self, manifest: &Manifest) -> Result<Vec<File>> {
        let mut files = vec![File { path: "host.json".to_owned(), content: self.host(manifest)? }];
        let names: Vec<&str> = manifest.functions.iter().map(|function| function.name.as_str()).collect();
        crate::names::check_names(&names)?;
        if manifest.functions.iter().map(reserved).collect::<Result<Vec<bool>>>()?.contains(&true) {
            files.push(function(HTTP_FUNCTION, json!({"bindings": http_bindings()})));
        }
        for one in &manifest.functions {
            let binding = match &one.trigger {
                TriggerManifest::Http { .. } | TriggerManifest::Mount { .. } => continue,
                TriggerManifest::Queue { queue, .. } => {
                    let name = self.queue_name(queue)?;
                    let connection = &self.connection;
                    json!({"name": "message", "type": "queueTrigger", "direction": "in", "queueName": name, "connection": connection})
                }
                TriggerManifest::Blob { .. } => {
                    json!({"name": "event", "type": "eventGridTrigger", "direction": "in"})
                }
                TriggerManifest::Schedule { schedule } => {
                    json!({"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": ncrontab(schedule)})
                }
                _ => {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!("the function `{}` has a trigger that Azure Functions has not", one.name),
                    ));
                }
            };
            let mut content = json!({"bindings": [binding]});
            if matches!(one.trigger, TriggerManifest::Schedule { .. }) {
                content["retry"] = retry();
            }
            files.push(function(&one.name, content));
        }
        Ok(files)
    }

    fn host(&self, manifest: &Manifest) -> Result<Value> {
        if self.executable.is_empty() {
            return Err(Error::invalid(
                "the program is not named: say what the host is to start, such as `handler`",
            ));
        }
        let mut description = json!({"defaultExecutablePath": self.executable});
        if !self.arguments.is_empty() {
            description["arguments"] = self.arguments.clone().into();
        }
        let mut handler = json!({"description": description});
        match self.http {
            HttpForm::Proxied => handler["enableProxyingHttpRequest"] = true.into(),
            HttpForm::Forwarded => handler["enableForwardingHttpRequest"] = true.into(),
            HttpForm::Wrapped => {}
        }
        let attempts = listened(manifest).map(|(_, settings)| settings.max_attempts).max();
        let mut queues = json!({"messageEncoding": "none", "visibilityTimeout": time_span("retry_pause", self.retry_pause)?});
        if let Some(attempts) = attempts {
            queues["maxDequeueCount"] = attempts.into();
        }
        let mut host = json!({
            "version": "2.0",
            "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
            "extensions": {"http": {"routePrefix": ""}, "queues": queues},
            "customHandler": handler,
        });
        if let Some(timeout) = self.function_timeout {
            host["functionTimeout"] = time_span("function_timeout", timeout)?.into();
        }
        if let Some((queue, _)) = listened(manifest).find(|(_, settings)| settings.ordered) {
            let text = format!(
                "the queue `{queue}` is ordered: Queue Storage keeps no order; declare it without, or deploy elsewhere"
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        Ok(host)
    }

    fn queue_name(&self, resource: &str) -> Result<&str> {
        let name = self.queues.get(resource);
        let name = name.ok_or_else(|| {
            Error::invalid(format!(
                "the name of the queue `{resource}` on Azure is not told: give it a URL, `azqueue://name`, or set SKYPORT_PROVIDER=azure"
            ))
        })?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (3..=QUEUE_NAME).contains(&name.len())
            && name.bytes().all(allowed)
            && !name.starts_with('-')
            && !name.ends_with('-')
            && !name.contains("--");
        if fits && name.ends_with(POISON) {
            return Err(Error::invalid(format!(
                "no function can listen to the queue `{name}`: its name ends as those of dead letters do, and the host of Azure Functions has none for \
                 them in turn, so that a message that fails would come for ever; give the queue `{resource}` another name"
            )));
        }
        if fits {
            return Ok(name);
        }
        Err(Error::invalid(format!(
            "the queue `{resource}` cannot be named `{}` on Azure: a name has 3 to {QUEUE_NAME} lower-case letters, digits and single hyphens between \
             them (its dead letters' has seven more)",
            name.escape_debug()
        )))
    }
}

/// The queues that functions listen to.
fn listened(manifest: &Manifest) -> impl Iterator<Item = (&str, &skyport_core::queue::port::QueueSettings)> {
    manifest.resources.iter().filter_map(|resource| match &resource.kind {
        ResourceKind::Queue(settings) => {
            let by = |function: &FunctionManifest| matches!(&function.trigger, TriggerManifest::Queue { queue, .. } if *queue == resource.name);
            manifest.functions.iter().any(by).then_some((&*resource.name, settings))
        }
        _ => None,
    })
}

/// Whether a function is one of requests; an error where its name or its path is the host's.
fn reserved(function: &FunctionManifest) -> Result<bool> {
    let name = &function.name;
    let path = match &function.trigger {
        TriggerManifest::Http { route } => route.path(),
        TriggerManifest::Mount { path } => path,
        _ if name.eq_ignore_ascii_case(HTTP_FUNCTION) => {
            return Err(Error::invalid(format!(
                "the function `{name}` has the name of the one that all requests come to: call it something else"
            )));
        }
        _ => return Ok(false),
    };
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if first.eq_ignore_ascii_case("admin") || first.eq_ignore_ascii_case("runtime") {
        return Err(Error::invalid(format!(
            "the function `{name}` has the path `{path}`: Azure Functions keeps /admin and /runtime for its host; choose another path"
        )));
    }
    Ok(true)
}

fn function(name: &str, content: Value) -> File {
    File { path: format!("{name}/function.json"), content }
}

/// How the host repeats what has failed. Of our triggers it does so for timers alone: messages come back by their queue, and events by Event Grid.
fn retry() -> Value {
    json!({"strategy": "exponentialBackoff", "maxRetryCount": 4, "minimumInterval": "00:00:05", "maximumInterval": "00:05:00"})
}

fn http_bindings() -> Value {
    json!([
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", "methods": METHODS, "route": "{*path}"},
        {"name": "res", "type": "http", "direction": "out"},
    ])
}

/// Six fields, seconds first. What is restricted is written out: what the host makes of steps and ranges is nobody's concern then. It wants a day to fit both of
/// its fields, of which ours never restricts more than one.
fn ncrontab(schedule: &Schedule) -> String {
    const ALL: [usize; 5] = [60, 24, 31, 12, 7];
    let fields = schedule.fields().into_iter().zip(ALL).map(|(numbers, all)| {
        if numbers.len() == all {
            return "*".to_owned();
        }
        numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    });
    std::iter::once("0".to_owned()).chain(fields).collect::<Vec<_>>().join(" ")
}

/// `hh:mm:ss`
fn time_span(what: &str, time: Duration) -> Result<String> {
    let seconds = time.as_secs();
    if time >= DAY || Duration::from_secs(seconds) != time {
        return Err(Error::invalid(format!("{what} is {time:?}: it is whole seconds, less than a day")));
    }
    Ok(format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_written_out_with_its_seconds_first() {
        for (ours, theirs) in [
            ("* * * * *", "0 * * * * *"),
            ("0 3 * * *", "0 0 3 * * *"),
            ("*/20 8-10 * * 0", "0 0,20,40 8,9,10 * * 0"),
            ("5 0 1,15 * *", "0 5 0 1,15 * *"),
            ("0 0 29 2 *", "0 0 0 29 2 *"),
        ] {
            assert_eq!(ncrontab(&ours.parse().expect("a schedule")), theirs);
        }
    }

    #[test]
    fn a_time_is_written_as_the_host_reads_it() {
        assert_eq!(time_span("x", Duration::from_secs(3_723)).expect("fits"), "01:02:03");
        for time in [DAY, Duration::from_millis(1_500)] {
            assert!(time_span("x", time).expect_err("no").to_string().contains('x'));
        }
    }
}
