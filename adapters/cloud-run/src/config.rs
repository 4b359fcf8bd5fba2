//! How an application runs on Cloud Run.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use skyport_core::queue::port::MessageQueue;
use skyport_core::{Error, Result};
use skyport_server::ServerConfig;

/// Opens the queue of this name, without I/O.
pub type QueueOpener = dyn Fn(&str) -> Result<Arc<dyn MessageQueue>> + Send + Sync;

/// How long running work may go on after SIGTERM: with the two seconds in which cancelled handlers answer, it is less than the
/// ten that Cloud Run leaves.
const GRACE: Duration = Duration::from_secs(7);

/// How an application runs on Cloud Run.
#[non_exhaustive]
#[derive(Clone)]
pub struct CloudRunConfig {
    /// The one function that this deployment is; without it what comes decides. Requests go by their routes even so.
    pub function: Option<String>,
    /// What this deployment takes.
    pub signature: Signature,
    /// A path where the bodies of POST requests are looked into also where the application has a route: for wrapped pushes, of
    /// which nothing but the body tells. Without it they are looked into where the application has none.
    pub events_path: Option<String>,
    /// Whose pushes and events are taken; anybody's where it is `None`, as is right where Cloud Run itself asks for
    /// authentication. Needs the feature `oidc`.
    pub push: Option<PushIdentity>,
    /// Opens a queue by its subscription that carries a bucket's events, and that the application therefore does not declare:
    /// what fails for good goes to that queue's dead letters then. Without it, it is told in the log.
    pub queues: Option<Arc<QueueOpener>>,
    /// Addresses, times and sizes. By default every address of the machine, and a grace period of 7 s, since Cloud Run ends a
    /// process 10 s after SIGTERM.
    pub server: ServerConfig,
}

/// What a deployment takes: the Functions Framework's signature type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// Requests and events.
    #[default]
    Any,
    /// Requests only: what looks like an event is a request, too.
    Http,
    /// Events only: other requests get a 400.
    CloudEvent,
}

/// Who may push.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushIdentity {
    /// For whom its tokens are made out: one of these. The service's URL, where the subscription does not say otherwise.
    pub audiences: Vec<String>,
    /// The service account that they are made out to; any of Google's where it is `None`, which is right only where nobody
    /// else can know the audience.
    pub account: Option<String>,
    /// Where the keys are published that sign them; Google's own place where it is `None`.
    pub keys_url: Option<String>,
}

impl PushIdentity {
    /// Whoever brings a token made out for `audience`.
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        Self { audiences: vec![audience.into()], account: None, keys_url: None }
    }
}

impl Default for CloudRunConfig {
    fn default() -> Self {
        let mut server = ServerConfig::default();
        server.host = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        server.grace = GRACE;
        Self {
            function: None,
            signature: Signature::Any,
            events_path: None,
            push: None,
            queues: None,
            server,
        }
    }
}

impl CloudRunConfig {
    /// The defaults, with what the environment says; the variables stand in the [crate's documentation](crate). A variable
    /// that is empty counts as not set.
    ///
    /// ```
    /// use skyport_cloud_run::CloudRunConfig;
    ///
    /// let config = CloudRunConfig::from_env(|name| (name == "FUNCTION_TARGET").then(|| "resize".to_owned()))?;
    /// assert_eq!(config.function.as_deref(), Some("resize"));
    /// # Ok::<(), skyport_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` that names the variable, its value and what it takes.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let read = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let mut config = Self::default();
        let defaults = config.server.clone();
        config.server = ServerConfig::from_env(&variable)?;
        if read("HOST").is_none() {
            config.server.host = defaults.host;
        }
        if read("SKYPORT_GRACE").is_none() {
            config.server.grace = defaults.grace;
        }
        config.function = read("SKYPORT_FUNCTION").or_else(|| read("FUNCTION_TARGET"));
        config.signature = signature(read("FUNCTION_SIGNATURE_TYPE"))?;
        config.events_path = read("SKYPORT_EVENTS_PATH").map(path).transpose()?;
        config.push = identity(read("SKYPORT_PUSH_AUDIENCE"), read("SKYPORT_PUSH_ACCOUNT"))?;
        Ok(config)
    }
}

fn signature(value: Option<String>) -> Result<Signature> {
    let Some(value) = value else { return Ok(Signature::Any) };
    match value.to_ascii_lowercase().as_str() {
        "http" => Ok(Signature::Http),
        "cloudevent" => Ok(Signature::CloudEvent),
        "event" => Err(Error::invalid(
            "FUNCTION_SIGNATURE_TYPE is `event`: the events of the first generation of Cloud Functions are not taken; deploy to \
             Cloud Run, where they come as CloudEvents, and say `cloudevent`, or nothing",
        )),
        _ => Err(wrong("FUNCTION_SIGNATURE_TYPE", &value, "`http` or `cloudevent`, or is not set")),
    }
}

fn path(value: String) -> Result<String> {
    let fits = value.starts_with('/') && value.parse::<http::Uri>().is_ok_and(|uri| uri.path() == value);
    if fits { Ok(value) } else { Err(wrong("SKYPORT_EVENTS_PATH", &value, "a path, such as /events")) }
}

fn identity(audiences: Option<String>, account: Option<String>) -> Result<Option<PushIdentity>> {
    let audiences: Vec<String> = audiences
        .iter()
        .flat_map(|list| list.split(','))
        .map(|audience| audience.trim().to_owned())
        .filter(|audience| !audience.is_empty())
        .collect();
    if audiences.is_empty() {
        return match account {
            None => Ok(None),
            Some(_) => Err(Error::invalid(
                "SKYPORT_PUSH_ACCOUNT is set and SKYPORT_PUSH_AUDIENCE is not: set it to the audience of the push subscription's \
                 tokens, which is the service's URL unless it says otherwise",
            )),
        };
    }
    Ok(Some(PushIdentity { audiences, account, keys_url: None }))
}

fn wrong(name: &str, value: &str, takes: &str) -> Error {
    Error::invalid(format!("{name} is `{}`; it takes {takes}", value.escape_debug()))
}

impl fmt::Debug for CloudRunConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudRunConfig")
            .field("function", &self.function)
            .field("signature", &self.signature)
            .field("events_path", &self.events_path)
            .field("push", &self.push)
            .field("queues", &self.queues.is_some())
            .field("server", &self.server)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<CloudRunConfig> {
        CloudRunConfig::from_env(|asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        let config = with(&[("PORT", "9000"), ("FUNCTION_TARGET", " ")]).expect("valid");
        assert_eq!((config.server.port, config.server.grace), (9000, GRACE));
        assert!(config.server.host.is_unspecified());
        assert_eq!((config.function, config.signature, config.push), (None, Signature::Any, None));
        let config = with(&[
            ("HOST", "127.0.0.1"),
            ("SKYPORT_GRACE", "3s"),
            ("SKYPORT_EVENTS_PATH", "/events"),
            ("SKYPORT_PUSH_AUDIENCE", "https://a.run.app, https://b.run.app,"),
            ("SKYPORT_PUSH_ACCOUNT", "push@p.iam.gserviceaccount.com"),
            ("FUNCTION_SIGNATURE_TYPE", "CloudEvent"),
        ])
        .expect("valid");
        assert!(config.server.host.is_loopback());
        assert_eq!(config.server.grace, Duration::from_secs(3));
        assert_eq!(config.events_path.as_deref(), Some("/events"));
        let push = config.push.expect("asked for");
        assert_eq!(push.audiences, ["https://a.run.app", "https://b.run.app"]);
        assert_eq!(push.account.as_deref(), Some("push@p.iam.gserviceaccount.com"));
        assert_eq!(config.signature, Signature::CloudEvent);
    }

    #[test]
    fn our_own_name_of_the_function_wins_over_the_frameworks() {
        let both = [("FUNCTION_TARGET", "theirs"), ("SKYPORT_FUNCTION", "ours")];
        assert_eq!(with(&both).expect("valid").function.as_deref(), Some("ours"));
        assert_eq!(with(&both[..1]).expect("valid").function.as_deref(), Some("theirs"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        for (name, value) in [
            ("FUNCTION_SIGNATURE_TYPE", "pigeon"),
            ("SKYPORT_EVENTS_PATH", "events"),
            ("SKYPORT_EVENTS_PATH", "/a?b"),
            ("PORT", "many"),
        ] {
            let error = with(&[(name, value)]).expect_err(value).to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        let old =
            with(&[("FUNCTION_SIGNATURE_TYPE", "event")]).expect_err("the first generation").to_string();
        assert!(old.contains("cloudevent"), "{old}");
        let alone = with(&[("SKYPORT_PUSH_ACCOUNT", "a@b")]).expect_err("no audience").to_string();
        assert!(alone.contains("SKYPORT_PUSH_AUDIENCE"), "{alone}");
    }
}
