//! How an application runs on Azure Functions.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use skyport_core::{Error, Result};
use skyport_server::ServerConfig;

use crate::metadata::json_of;

/// How long running work may go on after SIGTERM, as on Cloud Run: the host itself waits for what it has begun before it ends a
/// program, so that little is left then.
const GRACE: Duration = Duration::from_secs(7);

/// How long a connection may stand without a request: the host's client opens some that it does not need at once, and keeps them for a minute.
const IDLE: Duration = Duration::from_secs(75);

/// How long Azure's load balancer waits for the answer to a request.
const HTTP: Duration = Duration::from_secs(230);

/// The time for all else on the Consumption plan, and on every other, where host.json does not say.
const EVENTS: (Duration, Duration) = (Duration::from_secs(5 * 60), Duration::from_secs(30 * 60));

/// What is kept of the host's time to settle a message and to answer: a host that has waited too long ends the program, with all
/// that it runs.
const KEPT: Duration = Duration::from_secs(5);

/// How an application runs on Azure Functions.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureFunctionsConfig {
    /// The longest time for a request, where [`ServerConfig::deadline`] does not say less; 225 s by default, of the 230 s that Azure's load
    /// balancer waits.
    pub http_deadline: Duration,
    /// The longest time for anything else, where [`ServerConfig::deadline`] does not say less: what the host allows, less 5 s. The host allows
    /// 5 min on the Consumption plan and 30 min elsewhere, where its configuration does not say; `None` is no limit.
    pub event_deadline: Option<Duration>,
    /// Times and sizes, and the port. The address is 127.0.0.1 whatever stands there: only the host is to call. A grace period of 7 s by
    /// default; and 75 s for the first bytes of a connection, since the host's client opens some in advance.
    pub server: ServerConfig,
}

impl Default for AzureFunctionsConfig {
    fn default() -> Self {
        let mut server = ServerConfig::default();
        server.grace = GRACE;
        server.header_read_timeout = IDLE;
        Self { http_deadline: less(HTTP), event_deadline: Some(less(EVENTS.1)), server }
    }
}

impl AzureFunctionsConfig {
    /// The defaults, with what the environment says, and the host.json in the working folder, where the host starts a program; the variables
    /// stand in the [crate's documentation](crate). A variable that is empty counts as not set.
    ///
    /// ```
    /// use skyport_azure_functions::AzureFunctionsConfig;
    ///
    /// let port = |name: &str| (name == "FUNCTIONS_CUSTOMHANDLER_PORT").then(|| "41234".to_owned());
    /// let config = AzureFunctionsConfig::from_env(port)?;
    /// assert_eq!(config.server.port, 41234);
    /// # Ok::<(), skyport_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` that names the variable, its value and what it takes.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Self::read(variable, Path::new("host.json"))
    }

    fn read(variable: impl Fn(&str) -> Option<String>, host: &Path) -> Result<Self> {
        let read = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let mut config = Self::default();
        let grace = config.server.grace;
        // The address is nobody's to choose.
        config.server = ServerConfig::from_env(|name| if name == "HOST" { None } else { variable(name) })?;
        config.server.host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        if read("SKYPORT_GRACE").is_none() {
            config.server.grace = grace;
        }
        config.server.header_read_timeout = IDLE;
        if let Some(value) = read(PORT) {
            let port = value.parse().ok().filter(|port| *port != 0);
            config.server.port = port.ok_or_else(|| wrong(PORT, &value, "a number from 1 to 65535"))?;
        }
        let consumption = read("WEBSITE_SKU").is_some_and(|sku| sku.eq_ignore_ascii_case("Dynamic"));
        let allowed = if consumption { EVENTS.0 } else { EVENTS.1 };
        config.event_deadline = Some(less(allowed));
        if let Some(value) = read(TIMEOUT) {
            config.event_deadline = timeout(&value)
                .ok_or_else(|| wrong(TIMEOUT, &value, "a time such as 00:10:00, or -1 for none"))?
                .map(less);
        } else if let Some(allowed) = in_host_json(host) {
            config.event_deadline = allowed.map(less);
        }
        if let Some(events) = config.event_deadline {
            // The host's limit is one for requests, too.
            config.http_deadline = config.http_deadline.min(events);
        }
        Ok(config)
    }
}

/// The application setting that wins over host.json's `functionTimeout`.
const TIMEOUT: &str = "AzureFunctionsJobHost__functionTimeout";

/// Where the host calls.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// What host.json says of it, where it can be read. What the host cannot read it does not start with.
fn in_host_json(path: &Path) -> Option<Option<Duration>> {
    let json = json_of(path)?;
    let said = json.get("functionTimeout").filter(|said| !said.is_null())?;
    let read = said.as_str().and_then(timeout);
    if read.is_none() {
        tracing::warn!(%said, "the functionTimeout in host.json is passed over: it is a time such as 00:10:00, or -1 for none");
    }
    read
}

/// What is left of the host's time to the function.
fn less(time: Duration) -> Duration {
    time.checked_sub(KEPT).filter(|left| *left >= time / 2).unwrap_or(time / 2)
}

/// How long everything may take for a call whose function has so long: a second less than the host waits.
pub(crate) fn settled_within(deadline: Duration) -> Duration {
    deadline.saturating_add(KEPT.min(deadline) * 4 / 5)
}

/// A .NET TimeSpan, `[days.]hours:minutes:seconds`; `Some(None)` for no limit.
fn timeout(text: &str) -> Option<Option<Duration>> {
    if text == "-1" {
        return Some(None);
    }
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if clock.contains(':') => (number(days, 3_650)?, clock),
        _ => (0, text),
    };
    let mut parts = clock.split(':');
    let (hours, minutes) = (number(parts.next()?, 23)?, number(parts.next()?, 59)?);
    // Fractions of a second do not matter here.
    let seconds = parts.next().map_or(Some(0), |seconds| number(seconds.split('.').next()?, 59))?;
    if parts.next().is_some() {
        return None;
    }
    let time = Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + seconds);
    (!time.is_zero()).then_some(Some(time))
}

fn number(text: &str, most: u64) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|number| *number <= most) } else { None }
}

fn wrong(name: &str, value: &str, takes: &str) -> Error {
    Error::invalid(format!("{name} is `{}`; it takes {takes}", value.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<AzureFunctionsConfig> {
        AzureFunctionsConfig::from_env(|asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_hosts_port_wins_and_the_address_is_this_machines_alone() {
        let config = with(&[(PORT, "41234"), ("PORT", "9"), ("HOST", "0.0.0.0")]).expect("valid");
        assert!(config.server.host.is_loopback());
        assert_eq!((config.server.port, config.server.grace), (41234, GRACE));
        assert!(
            config.server.header_read_timeout > Duration::from_secs(60),
            "the host's client keeps them so long"
        );
        let by_hand = with(&[("PORT", "9000"), ("HOST", "nonsense"), ("SKYPORT_GRACE", "1s")]);
        let by_hand = by_hand.expect("valid");
        assert_eq!((by_hand.server.port, by_hand.server.grace), (9000, Duration::from_secs(1)));
        assert!(by_hand.server.host.is_loopback());
        assert_eq!(with(&[]).expect("valid"), AzureFunctionsConfig::default());
    }

    #[test]
    fn the_plan_and_the_hosts_configuration_say_how_long_a_call_may_take() {
        let of = |variables: &[(&str, &str)]| {
            let config = with(variables).expect("valid");
            (config.http_deadline.as_secs(), config.event_deadline.map(|deadline| deadline.as_secs()))
        };
        assert_eq!(of(&[]), (225, Some(1_795)));
        assert_eq!(of(&[("WEBSITE_SKU", "Dynamic")]), (225, Some(295)));
        assert_eq!(of(&[("WEBSITE_SKU", "FlexConsumption")]), (225, Some(1_795)));
        assert_eq!(of(&[("WEBSITE_SKU", "Dynamic"), (TIMEOUT, "00:10:00")]), (225, Some(595)));
        assert_eq!(of(&[(TIMEOUT, "1.00:00:00.5")]), (225, Some(86_395)));
        assert_eq!(of(&[(TIMEOUT, "00:02")]), (115, Some(115)));
        assert_eq!(of(&[(TIMEOUT, "00:00:04")]), (2, Some(2)));
        assert_eq!(of(&[(TIMEOUT, "-1")]), (225, None));
    }

    #[test]
    fn host_json_says_how_long_where_no_setting_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("host.json");
        let of = |text: &str, variables: &[(&str, &str)]| {
            std::fs::write(&path, text).expect("written");
            let variable = |asked: &str| {
                variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
            };
            let config = AzureFunctionsConfig::read(variable, &path).expect("valid");
            config.event_deadline.map(|deadline| deadline.as_secs())
        };
        assert_eq!(of(r#"{"functionTimeout":"00:10:00"}"#, &[("WEBSITE_SKU", "Dynamic")]), Some(595));
        assert_eq!(of("\u{feff}{\"functionTimeout\":\"-1\"}", &[]), None);
        assert_eq!(of(r#"{"functionTimeout":"00:10:00"}"#, &[(TIMEOUT, "00:02:00")]), Some(115));
        let large = format!("{{\"functionTimeout\":\"00:10:00\"}}{}", " ".repeat(2 << 20));
        for passed_over in [
            "{",
            "[]",
            "{}",
            r#"{"functionTimeout":null}"#,
            r#"{"functionTimeout":7}"#,
            r#"{"functionTimeout":"x"}"#,
        ] {
            assert_eq!(of(passed_over, &[]), Some(1_795), "{passed_over}");
        }
        assert_eq!(of(&large, &[]), Some(595), "what stands at its beginning is enough");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(
            AzureFunctionsConfig::read(|_| None, &path).expect("valid"),
            AzureFunctionsConfig::default()
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        for (name, value) in [
            (PORT, "0"),
            (PORT, "70000"),
            (PORT, "x"),
            (TIMEOUT, "10"),
            (TIMEOUT, "00:00:00"),
            (TIMEOUT, "00:99:00"),
            (TIMEOUT, "00:00:00:00"),
            (TIMEOUT, "99999999999999999999.00:00:00"),
            (TIMEOUT, "-00:10:00"),
            ("SKYPORT_DEADLINE", "soon"),
        ] {
            let error = with(&[(name, value)]).expect_err(value).to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}
