//! Addresses, times and sizes of a server.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use skyport_core::{Error, Result};

/// Where a server listens, and how much and how long it bears with its clients.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The address to listen on; 127.0.0.1 by default: this machine only.
    pub host: IpAddr,
    /// The port; 8080 by default. 0 takes one that is free.
    pub port: u16,
    /// The longest time for a request, where its route does not say less; none by default.
    pub deadline: Option<Duration>,
    /// How long running work may go on after the shutdown; 10 s by default.
    pub grace: Duration,
    /// How long a client may take for the first bytes of a connection and for the headers of a request; 10 s by default.
    pub header_read_timeout: Duration,
    /// How long a connection may be idle between requests; 75 s by default, longer than the usual proxy's.
    pub keep_alive: Duration,
    /// How long a client may take for the next piece of its body, or to take in the next piece of a response; 30 s by
    /// default. Over HTTP/1 its connection ends then; over HTTP/2 a response that is held back by its window is reset, and the
    /// connection's others go on.
    pub stall_timeout: Duration,
    /// The largest head of a request in bytes; more gets a 431. 64 KiB by default.
    pub max_header_bytes: usize,
    /// The most connections at once; 4,096 by default. One more is answered 503 and closed.
    pub max_connections: usize,
    /// The most requests at work at once, each from its head to the last piece of its response; at least 1, 1,024 by default. One
    /// more is answered 503 at once; `/healthz` is answered always. What a platform brings has as many places of its own.
    pub max_requests: usize,
    /// The most requests at once on one HTTP/2 connection; 128 by default.
    pub max_streams: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            deadline: None,
            grace: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            max_header_bytes: 64 << 10,
            max_connections: 4096,
            max_requests: 1024,
            max_streams: 128,
        }
    }
}

impl ServerConfig {
    /// The defaults, with what the environment says: `HOST`, `PORT`, `SKYPORT_DEADLINE`, `SKYPORT_GRACE`,
    /// `SKYPORT_MAX_REQUESTS`. A variable that is empty counts as not set.
    ///
    /// ```
    /// use skyport_server::ServerConfig;
    ///
    /// let config = ServerConfig::from_env(|name| (name == "PORT").then(|| "9000".to_owned()))?;
    /// assert_eq!(config.port, 9000);
    /// # Ok::<(), skyport_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` that names the variable, its value and what it takes.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut config = Self::default();
        let read = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        if let Some(value) = read("HOST") {
            config.host = host(&value).ok_or_else(|| {
                wrong("HOST", &value, "an IP address, such as 127.0.0.1, or 0.0.0.0 for every one")
            })?;
        }
        if let Some(value) = read("PORT") {
            config.port = value.parse().map_err(|_| wrong("PORT", &value, "a number from 0 to 65535"))?;
        }
        let time = "a time such as 30s, 500ms or 2m";
        if let Some(value) = read("SKYPORT_DEADLINE") {
            let deadline = duration(&value).filter(|deadline| !deadline.is_zero());
            config.deadline = Some(deadline.ok_or_else(|| wrong("SKYPORT_DEADLINE", &value, time))?);
        }
        if let Some(value) = read("SKYPORT_GRACE") {
            config.grace = duration(&value).ok_or_else(|| wrong("SKYPORT_GRACE", &value, time))?;
        }
        if let Some(value) = read("SKYPORT_MAX_REQUESTS") {
            let most = value.parse().ok().filter(|most| *most > 0);
            config.max_requests =
                most.ok_or_else(|| wrong("SKYPORT_MAX_REQUESTS", &value, "a number from 1 on"))?;
        }
        Ok(config)
    }
}

fn wrong(name: &str, value: &str, takes: &str) -> Error {
    Error::invalid(format!("{name} is `{}`; it takes {takes}", value.escape_debug()))
}

fn host(text: &str) -> Option<IpAddr> {
    if text == "localhost" { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { text.parse().ok() }
}

/// Seconds, or a number with `ms`, `s`, `m` or `h`; at most a year.
fn duration(text: &str) -> Option<Duration> {
    const YEAR: u64 = 365 * 86_400 * 1_000;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(millis)?;
    (millis <= YEAR).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<ServerConfig> {
        ServerConfig::from_env(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        assert_eq!(with("NOTHING", "x").expect("defaults"), ServerConfig::default());
        assert_eq!(with("PORT", " 0 ").expect("valid").port, 0);
        assert_eq!(with("PORT", "").expect("not set").port, 8080);
        assert!(with("HOST", "0.0.0.0").expect("valid").host.is_unspecified());
        assert!(with("HOST", "::1").expect("valid").host.is_loopback());
        assert_eq!(
            with("SKYPORT_DEADLINE", "500ms").expect("valid").deadline,
            Some(Duration::from_millis(500))
        );
        assert_eq!(with("SKYPORT_DEADLINE", "2m").expect("valid").deadline, Some(Duration::from_secs(120)));
        assert_eq!(with("SKYPORT_GRACE", "0").expect("valid").grace, Duration::ZERO);
        assert_eq!(with("SKYPORT_MAX_REQUESTS", "80").expect("valid").max_requests, 80);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        for (name, value) in [
            ("PORT", "70000"),
            ("PORT", "-1"),
            ("HOST", "example.org"),
            ("SKYPORT_DEADLINE", "0"),
            ("SKYPORT_DEADLINE", "soon"),
            ("SKYPORT_DEADLINE", "-5s"),
            ("SKYPORT_GRACE", "99999999999999999999"),
            ("SKYPORT_GRACE", "99999999999h"),
            ("SKYPORT_MAX_REQUESTS", "0"),
            ("SKYPORT_MAX_REQUESTS", "many"),
        ] {
            let error = with(name, value).expect_err(value).to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }
}
