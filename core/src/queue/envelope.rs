//! What is ours on the wire of a message: packed in one attribute.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clock::{from_millis, to_millis};
use crate::sparse::Empty;
use crate::trace_context::{POSITION, TraceContext};
use crate::{Error, ErrorKind, Result};

/// The name of the one attribute in which an [`Envelope`] travels.
pub const ENVELOPE_ATTRIBUTE: &str = "skyport";

/// What stands around a trace in an envelope that has nothing else.
const TRACE: (&str, &str) = (r#"{"t":""#, r#""}"#);

/// The longest packed envelope that is read.
const MAX_PACKED: usize = 4096;

/// The longest reason kept with a dead letter, in bytes.
const MAX_REASON: usize = 256;

/// What Skyport sends along with a body.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The trace that the message belongs to.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// How the provider encoded the body on the wire (`"b64"`), for its own use.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Where the body is kept, if not here: a key of the claim-check bucket.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Milliseconds since 1970 before which receivers hold the message back, where the cloud cannot.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
    /// Why it is a dead letter.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How often it was delivered before it was sent anew, where the cloud counts only so far.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
}

impl Empty for Envelope {
    const EMPTY: &'static Self =
        &Self { trace: None, encoding: None, claim: None, not_before: None, reason: None, attempts: None };
}

impl Envelope {
    /// Whether nothing is in it: it need not travel then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == *Self::EMPTY
    }

    /// Why the message is a dead letter.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Says why the message is a dead letter, cut to 256 bytes; `None` when it is sent back.
    pub fn set_reason(&mut self, reason: Option<&str>) {
        self.reason = reason.map(|reason| reason[..reason.floor_char_boundary(MAX_REASON)].to_owned());
    }

    /// How often the message was delivered before it was sent anew.
    #[must_use]
    pub fn attempts_before(&self) -> u32 {
        self.attempts.unwrap_or(0)
    }

    /// Says how often the message was delivered before it is sent anew; 0 for one that begins.
    pub fn set_attempts_before(&mut self, attempts: u32) {
        self.attempts = Some(attempts).filter(|&attempts| attempts > 0);
    }

    /// Before when receivers hold the message back.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before.map(from_millis)
    }

    /// Says before when receivers hold the message back.
    pub fn set_not_before(&mut self, time: Option<SystemTime>) {
        self.not_before = time.map(to_millis);
    }

    /// The envelope as the value of [`ENVELOPE_ATTRIBUTE`]: one line of JSON, at most about 1 KiB.
    #[must_use]
    pub fn pack(&self) -> String {
        if let Some(trace) = self.only_trace() {
            let mut packed = String::with_capacity(TRACE.0.len() + POSITION + TRACE.1.len());
            packed.push_str(TRACE.0);
            // It is ASCII.
            packed.push_str(std::str::from_utf8(&trace.spelled()).unwrap_or_default());
            packed.push_str(TRACE.1);
            return packed;
        }
        // A struct of strings and numbers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The trace, where there is nothing but its position, as with most messages: that is written and read without serde, in a
    /// fraction of the time.
    fn only_trace(&self) -> Option<&TraceContext> {
        let Self {
            trace: Some(trace),
            encoding: None,
            claim: None,
            not_before: None,
            reason: None,
            attempts: None,
        } = self
        else {
            return None;
        };
        trace.state().is_none().then_some(trace)
    }

    /// As [`pack`](Self::pack), in so many bytes if that can be: where it is too long, the vendors' part of the trace is left out, and
    /// then the reason is cut. What the body hangs on is never left out.
    #[must_use]
    pub fn pack_within(&self, bytes: usize) -> String {
        let whole = self.pack();
        if whole.len() <= bytes {
            return whole;
        }
        let mut shorter = self.clone();
        shorter.trace = shorter.trace.map(|trace| trace.with_state(""));
        let mut packed = shorter.pack();
        while packed.len() > bytes
            && let Some(reason) = shorter.reason().filter(|reason| !reason.is_empty())
        {
            // A character may be six on the wire.
            let cut = reason[..reason.floor_char_boundary(reason.len() / 2)].to_owned();
            shorter.set_reason(Some(&cut));
            packed = shorter.pack();
        }
        packed
    }

    /// Reads what [`pack`](Self::pack) wrote; unknown fields of later versions are passed over.
    ///
    /// # Errors
    /// `Malformed` where it is something else.
    pub fn unpack(text: &str) -> Result<Self> {
        let trace = text.strip_prefix(TRACE.0).and_then(|text| text.strip_suffix(TRACE.1));
        if let Some(Ok(trace)) = trace.filter(|trace| trace.len() == POSITION).map(str::parse) {
            return Ok(Self { trace: Some(trace), ..Self::default() });
        }
        // Serde would take a list for a struct, too.
        if text.len() > MAX_PACKED || !text.starts_with('{') {
            return Err(Error::new(ErrorKind::Malformed, "the attribute `skyport` is not Skyport's"));
        }
        serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::Malformed, "the attribute `skyport` is not Skyport's").with_source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_survives_the_wire() {
        let mut envelope = Envelope { trace: Some(TraceContext::root()), ..Envelope::default() };
        envelope.set_reason(Some(&"ü".repeat(200)));
        envelope.set_not_before(Some(from_millis(1_234)));
        envelope.set_attempts_before(94);
        let packed = envelope.pack();
        assert!(packed.is_ascii() || packed.len() < 1024);
        assert_eq!(Envelope::unpack(&packed).expect("unpacks"), envelope);
        assert_eq!(envelope.reason().map(str::len), Some(256));
    }

    #[test]
    fn a_trace_alone_is_written_and_read_as_serde_does_it() {
        let root = Some(TraceContext::root());
        let state = root.as_ref().map(|trace| trace.clone().with_state("a=1"));
        for trace in [root, state] {
            let envelope = Envelope { trace, ..Envelope::default() };
            let packed = serde_json::to_string(&envelope).expect("written");
            assert_eq!(envelope.pack(), packed);
            assert_eq!(Envelope::unpack(&packed).expect("read"), envelope);
        }
        // A position of a later version may have more parts: what stands behind it is no part of it.
        let later = TraceContext::root().traceparent().replacen("00", "01", 1);
        let later = Envelope::unpack(&format!(r#"{{"t":"{later}-more","r":"why"}}"#)).expect("read");
        assert_eq!(later.reason(), Some("why"));
        assert!(Envelope::unpack(r#"{"t":"00-1-1-1"}"#).is_err());
    }

    #[test]
    fn what_is_not_an_envelope_is_malformed() {
        for text in ["", "[]", "{", &"x".repeat(5000), r#"{"t":"nonsense"}"#] {
            assert_eq!(Envelope::unpack(text).expect_err(text).kind(), ErrorKind::Malformed);
        }
        assert!(Envelope::unpack(r#"{"later":1}"#).expect("unknown fields pass").is_empty());
    }
}
