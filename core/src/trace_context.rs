//! W3C trace context: what ties the work of a dozen functions to one request.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digits::{read, spell, spell_wide};
use crate::{Error, ErrorKind};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// How long a `traceparent` of version 00 is.
pub(crate) const POSITION: usize = 55;

/// A position in a trace: `traceparent`, and the `tracestate` that vendors add.
///
/// Enters with every event and leaves with every message that a handler sends (from its own task; a task that it
/// spawns starts without).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<Box<str>>,
}

impl TraceContext {
    /// The longest `tracestate` that is carried on, as W3C asks.
    const MAX_STATE: usize = 512;

    /// A new trace, sampled.
    #[must_use]
    pub fn root() -> Self {
        Self {
            trace_id: crate::Token::new().to_bits().max(1),
            span_id: fastrand::u64(1..),
            flags: 1,
            state: None,
        }
    }

    /// A new position in the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: fastrand::u64(1..), ..self.clone() }
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the caller records this trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// The header `tracestate`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Adds the header `tracestate`; one that is too long or not printable ASCII is left out.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        let fits = !state.is_empty()
            && state.len() <= Self::MAX_STATE
            && state.bytes().all(|b| (0x20..0x7f).contains(&b));
        self.state = fits.then(|| state.into());
        self
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        self.to_string()
    }

    /// Reads `traceparent` and `tracestate`; `None` where there is none or it is malformed, as W3C asks.
    #[must_use]
    pub fn from_headers(headers: &http::HeaderMap) -> Option<Self> {
        let parsed: Self = headers.get("traceparent")?.to_str().ok()?.parse().ok()?;
        let states: Vec<&str> =
            headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
        Some(parsed.with_state(&states.join(",")))
    }

    /// The position of the code that asks, inside a handler.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work` at this position.
    pub(crate) fn scoped<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }

    /// Runs `future` at this position: what it sends carries the trace on.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// The header `traceparent`, in ASCII: several times as quick as formatting numbers, and written with every message.
    pub(crate) fn spelled(&self) -> [u8; POSITION] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..19].copy_from_slice(&spell_wide((self.trace_id >> 64) as u64));
        text[19..35].copy_from_slice(&spell_wide(self.trace_id as u64));
        text[36..52].copy_from_slice(&spell_wide(self.span_id));
        text[53..].copy_from_slice(&spell(u32::from(self.flags))[6..]);
        text
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.spelled()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for TraceContext {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| Error::new(ErrorKind::Malformed, "not a W3C traceparent"))
    }
}

fn parse(text: &str) -> Option<TraceContext> {
    let mut parts = text.trim().split('-');
    let version = hex(parts.next()?, 2)?;
    let (high, low) = parts.next()?.split_at_checked(16)?;
    let trace_id = u128::from(hex(high, 16)?) << 64 | u128::from(hex(low, 16)?);
    let span_id = hex(parts.next()?, 16)?;
    let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
    // A later version may add parts; version 00 has none, and ff is forbidden.
    let valid = version != 0xff && (version != 0 || parts.next().is_none()) && trace_id != 0 && span_id != 0;
    valid.then_some(TraceContext { trace_id, span_id, flags, state: None })
}

fn hex(text: &str, digits: usize) -> Option<u64> {
    if text.len() == digits { read(text.as_bytes(), false) } else { None }
}

/// As `traceparent`, with `;tracestate` after it where there is one.
impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.state {
            Some(state) => serializer.collect_str(&format_args!("{self};{state}")),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Reads the text where it lies: each message that is received has one.
struct Text;

impl Visitor<'_> for Text {
    type Value = TraceContext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace context")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TraceContext, E> {
        let (parent, state) = text.split_once(';').unwrap_or((text, ""));
        let parsed: TraceContext = parent.parse().map_err(E::custom)?;
        Ok(parsed.with_state(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let parsed: TraceContext = GOOD.parse().expect("valid");
        assert_eq!(parsed.traceparent(), GOOD);
        assert!(parsed.is_sampled());
        assert_eq!(parsed.child().trace_id(), parsed.trace_id());
        assert_ne!(parsed.child().span_id(), parsed.span_id());
    }

    #[test]
    fn a_malformed_traceparent_is_refused() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = GOOD.to_uppercase();
        let extra = format!("{GOOD}-00");
        let forbidden = GOOD.replacen("00", "ff", 1);
        for text in [
            "",
            "00",
            zero_trace,
            zero_span,
            &upper,
            &extra,
            &forbidden,
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
        let later = format!("{}-what-comes", GOOD.replacen("00", "cc", 1));
        assert!(later.parse::<TraceContext>().is_ok());
    }

    #[test]
    fn state_travels_along_when_it_is_fit_to() {
        let context: TraceContext = GOOD.parse().expect("valid");
        let context = context.with_state("vendor=1");
        let json = serde_json::to_string(&context).expect("serialises");
        assert_eq!(serde_json::from_str::<TraceContext>(&json).expect("comes back"), context);
        assert_eq!(context.clone().with_state("bad\n").state(), None);
        assert_eq!(context.with_state(&"x".repeat(513)).state(), None);
    }
}
