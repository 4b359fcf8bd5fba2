//! How an application runs on Lambda.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use skyport_core::queue::port::MessageQueue;
use skyport_core::{Error, Result, Shutdown};

use crate::warm::Ports;

/// Opens the queue of this name, without I/O.
pub type QueueOpener = dyn Fn(&str) -> Result<Arc<dyn MessageQueue>> + Send + Sync;

/// How an application runs on Lambda.
#[non_exhaustive]
#[derive(Clone)]
pub struct LambdaConfig {
    /// The one function that this deployment is; without it the event's source decides.
    pub function: Option<String>,
    /// HTTP responses go out as streams. Nothing in an event tells whether whoever sent it reads one: say so where the
    /// Function URL has the invoke mode `RESPONSE_STREAM`, or the API's integration the transfer mode `STREAM`. A load
    /// balancer never reads one, and never gets one.
    pub response_streaming: bool,
    /// Registers for SIGTERM, which Lambda sends before it ends an idle process, and stops then; on by default.
    pub signals: bool,
    /// Triggered to stop: by SIGTERM, or by anybody. Wait for it to flush what is to be flushed; after SIGTERM about half a
    /// second is left.
    pub shutdown: Shutdown,
    /// How long running calls may go on after that; 300 ms by default.
    pub grace: Duration,
    /// What is connected to at the start, before it is needed.
    pub ports: Ports,
    /// Opens a queue that carries a bucket's events, and that the application therefore does not declare. With it, a call that
    /// failed comes again after its backoff, and one that failed for good goes to that queue's dead letters. Without it
    /// both come again when the queue's visibility timeout ends.
    pub queues: Option<Arc<QueueOpener>>,
}

impl Default for LambdaConfig {
    fn default() -> Self {
        Self {
            function: None,
            response_streaming: false,
            signals: true,
            shutdown: Shutdown::new(),
            grace: Duration::from_millis(300),
            ports: Ports::default(),
            queues: None,
        }
    }
}

impl LambdaConfig {
    /// The defaults, with what the environment says: `SKYPORT_FUNCTION`, `SKYPORT_RESPONSE_STREAMING`. A variable that is
    /// empty counts as not set.
    ///
    /// ```
    /// use skyport_lambda::LambdaConfig;
    ///
    /// let config = LambdaConfig::from_env(|name| (name == "SKYPORT_FUNCTION").then(|| "resize".to_owned()))?;
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
        let mut config = Self { function: read("SKYPORT_FUNCTION"), ..Self::default() };
        if let Some(value) = read("SKYPORT_RESPONSE_STREAMING") {
            config.response_streaming = match value.to_ascii_lowercase().as_str() {
                "true" | "on" | "1" => true,
                "false" | "off" | "0" => false,
                _ => {
                    let value = value.escape_debug();
                    let text = format!("SKYPORT_RESPONSE_STREAMING is `{value}`; it takes `true` or `false`");
                    return Err(Error::invalid(text));
                }
            };
        }
        Ok(config)
    }
}

impl fmt::Debug for LambdaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LambdaConfig")
            .field("function", &self.function)
            .field("response_streaming", &self.response_streaming)
            .field("signals", &self.signals)
            .field("grace", &self.grace)
            .field("ports", &self.ports)
            .field("queues", &self.queues.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<LambdaConfig> {
        LambdaConfig::from_env(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        assert_eq!(with("NOTHING", "x").expect("defaults").function, None);
        assert_eq!(with("SKYPORT_FUNCTION", " ").expect("not set").function, None);
        assert!(with("SKYPORT_RESPONSE_STREAMING", "True").expect("valid").response_streaming);
        assert!(!with("SKYPORT_RESPONSE_STREAMING", "0").expect("valid").response_streaming);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        let error = with("SKYPORT_RESPONSE_STREAMING", "maybe").expect_err("wrong").to_string();
        assert!(error.contains("SKYPORT_RESPONSE_STREAMING") && error.contains("maybe"), "{error}");
    }
}
