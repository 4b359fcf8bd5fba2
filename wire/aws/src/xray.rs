//! The trace header of X-Ray (`X-Amzn-Trace-Id`, `AWSTraceHeader`) as a W3C trace context, and back: both have ids of the same
//! size.

use skyport_core::TraceContext;

/// The longest header that is read.
const LONGEST: usize = 1_024;

/// Reads `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, in any order and with other fields
/// in between. Without a parent, or with one that is none, it begins a span of its own in the same trace. `None` where there is
/// no root.
///
/// ```
/// let trace = skyport_aws_wire::xray::read("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1").expect("a root");
/// assert_eq!(trace.trace_id(), 0x5759e988_bd862e3f_e1be46a9_94272793);
/// assert!(trace.is_sampled());
/// ```
#[must_use]
pub fn read(header: &str) -> Option<TraceContext> {
    if header.len() > LONGEST {
        return None;
    }
    let field = |name: &str| {
        let mut fields = header.split(';').filter_map(|field| field.trim().split_once('='));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let (time, unique) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
    if time.len() != 8 || unique.len() != 24 {
        return None;
    }
    let sampled = u8::from(field("Sampled") == Some("1"));
    let with = |parent: &str| -> Option<TraceContext> {
        let text = format!("00-{time}{unique}-{parent}-{sampled:02x}").to_ascii_lowercase();
        text.parse().ok()
    };
    field("Parent").and_then(with).or_else(|| with(&format!("{:016x}", TraceContext::root().span_id())))
}

/// Writes what [`read`] reads.
#[must_use]
pub fn write(trace: &TraceContext) -> String {
    let id = format!("{:032x}", trace.trace_id());
    let (time, unique) = id.split_at(8);
    format!("Root=1-{time}-{unique};Parent={:016x};Sampled={}", trace.span_id(), u8::from(trace.is_sampled()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn a_header_survives_there_and_back() {
        let trace = read(HEADER).expect("valid");
        assert_eq!(trace.traceparent(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
        assert_eq!(write(&trace), HEADER);
        let unsampled = HEADER.replace("Sampled=1", "Sampled=0");
        assert_eq!(write(&read(&unsampled).expect("valid")), unsampled);
    }

    #[test]
    fn other_fields_and_a_missing_parent_do_not_matter() {
        let lineage = format!("Self=1-x;{};Lineage=a87bd80c:1|68fd508a:5", HEADER.replace(';', "; "));
        assert_eq!(read(&lineage), read(HEADER));
        for header in
            ["Root=1-5759e988-bd862e3fe1be46a994272793", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=x"]
        {
            let trace = read(header).expect("a root");
            assert_eq!(trace.trace_id(), 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793);
            assert!(trace.span_id() != 0 && !trace.is_sampled());
        }
    }

    #[test]
    fn what_has_no_root_is_none() {
        let long = format!("{HEADER};{}", "x".repeat(2_000));
        for header in [
            "",
            "Root",
            "Root=",
            "Root=1-x-y",
            "Parent=53995c3f42cd8ad8",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-5759e988-bd862e3fe1be46a99427279\u{e9}",
            &long,
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }
}
