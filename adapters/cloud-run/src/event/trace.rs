//! Where a request stands in its trace.

use http::HeaderMap;
use skyport_core::TraceContext;

/// Google's own header, from before `traceparent`.
const GOOGLES: &str = "x-cloud-trace-context";

/// The trace of a request: `traceparent`, else `X-Cloud-Trace-Context`; `None` where neither is there and sound.
pub(crate) fn of(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::from_headers(headers).or_else(|| googles(headers.get(GOOGLES)?.to_str().ok()?))
}

/// `TRACE/SPAN;o=1`: 32 digits of hexadecimal, a decimal number, and whether it is recorded. The last two may be missing.
fn googles(text: &str) -> Option<TraceContext> {
    let (position, options) = text.split_once(';').unwrap_or((text, ""));
    let (trace, span) = position.split_once('/').unwrap_or((position, ""));
    let span = match span {
        "" => 0,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<u64>().ok()?,
        _ => return None,
    };
    let flags = u8::from(options == "o=1");
    // Without a span of its sender's it is a position all the same.
    format!("00-{}-{:016x}-{flags:02x}", trace.to_ascii_lowercase(), span.max(1)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

    fn with(headers: &[(&'static str, &'static str)]) -> Option<TraceContext> {
        let pairs = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        of(&pairs.collect())
    }

    #[test]
    fn the_w3cs_header_wins_over_googles() {
        let googles = (GOOGLES, "105445aa7843bc8bf206b12000100000/1;o=1");
        let ours = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(with(&[googles, ours]).expect("traced").trace_id(), TRACE);
        assert_eq!(with(&[googles, ("traceparent", "nonsense")]).expect("traced").span_id(), 1);
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn googles_header_is_read_in_all_its_forms() {
        let trace =
            with(&[(GOOGLES, "4BF92F3577B34DA6A3CE929D0E0E4736/67667974448284343;o=1")]).expect("traced");
        assert_eq!((trace.trace_id(), trace.span_id()), (TRACE, 67_667_974_448_284_343));
        assert!(trace.is_sampled());
        for text in ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736/0;o=0"] {
            let trace = with(&[(GOOGLES, text)]).expect(text);
            assert!(trace.trace_id() == TRACE && !trace.is_sampled());
        }
        for text in
            ["", "/", "4bf9/1", "4bf92f3577b34da6a3ce929d0e0e4736/-1", "00000000000000000000000000000000/1"]
        {
            assert_eq!(with(&[(GOOGLES, text)]), None, "{text}");
        }
        let overflow = "4bf92f3577b34da6a3ce929d0e0e4736/99999999999999999999";
        assert_eq!(with(&[(GOOGLES, overflow)]), None);
    }
}
