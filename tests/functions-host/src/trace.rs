//! `traceparent`, as an activity of ASP.NET passes it on: the trace of a request goes on under an id of the host's own, and what has none begins one.

/// What the program is sent for a request that came with this.
pub(crate) fn continued(incoming: Option<&str>) -> String {
    let own = |digits: usize| -> String {
        // Never all zero: that would be none.
        let first = fastrand::u8(1..16);
        let rest = (1..digits).map(|_| fastrand::u8(0..16));
        std::iter::once(first)
            .chain(rest)
            .filter_map(|digit| char::from_digit(u32::from(digit), 16))
            .collect()
    };
    match incoming.and_then(parts) {
        Some((trace, flags)) => format!("00-{trace}-{}-{flags}", own(16)),
        None => format!("00-{}-{}-00", own(32), own(16)),
    }
}

fn parts(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let hex = |text: &str, digits: usize| {
        text.len() == digits
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let fits = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    let real = |text: &str| text.bytes().any(|byte| byte != b'0');
    (fits && real(trace) && real(span) && (version != "00" || parts.next().is_none()))
        .then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_under_a_span_of_the_hosts() {
        let incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let passed = continued(Some(incoming));
        assert!(
            passed.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && passed.ends_with("-01"),
            "{passed}"
        );
        assert_ne!(passed, incoming);
    }

    #[test]
    fn what_is_no_trace_begins_one() {
        for incoming in
            [None, Some("nonsense"), Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
        {
            assert!(parts(&continued(incoming)).is_some(), "{incoming:?}");
        }
    }
}
