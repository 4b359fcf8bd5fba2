//! Texts and numbers of a call. The host writes each as JSON, and puts that into its JSON as a text; its documentation shows it written
//! once. Either is read, and never more than these two.

use std::time::SystemTime;

use serde_json::value::RawValue;
use skyport_core::clock::rfc3339;

/// The text that a value is, or that it is once more; of any other JSON, the JSON itself. `None` for null.
pub(crate) fn text(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    if json == "null" {
        return None;
    }
    let Ok(once) = serde_json::from_str::<String>(json) else { return Some(json.to_owned()) };
    Some(serde_json::from_str::<String>(&once).unwrap_or(once))
}

/// The number that a value is, or that stands in it as text.
pub(crate) fn number(raw: &RawValue) -> Option<u64> {
    text(raw)?.trim().parse().ok()
}

/// The point in time that a value is, where it tells its zone.
pub(crate) fn time(raw: &RawValue) -> Option<SystemTime> {
    rfc3339(&text(raw)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    #[test]
    fn a_text_is_read_from_its_json_at_most_twice() {
        for (json, meant) in [
            (r#""hello""#, "hello"),
            (r#""\"hello!!\"""#, "hello!!"),
            (r#""\"\\\"quoted\\\"\"""#, "\"quoted\""),
            (r#""{\"a\":1}""#, "{\"a\":1}"),
            (r#""\"{\\\"a\\\":1}\"""#, "{\"a\":1}"),
            (r#"{"a":1}"#, "{\"a\":1}"),
            (r#""17""#, "17"),
            ("17", "17"),
            (r#""""#, ""),
            (r#""null""#, "null"),
            (r#""\"half""#, "\"half"),
        ] {
            assert_eq!(text(&raw(json)).as_deref(), Some(meant), "{json}");
        }
        assert_eq!(text(&raw("null")), None);
    }

    #[test]
    fn numbers_and_times_may_stand_in_a_text() {
        for json in ["7", r#""7""#, r#""\"7\"""#] {
            assert_eq!(number(&raw(json)), Some(7), "{json}");
        }
        for json in ["-7", "7.5", "[]", r#""seven""#, "null", "99999999999999999999"] {
            assert_eq!(number(&raw(json)), None, "{json}");
        }
        assert!(time(&raw(r#""2026-11-26T13:03:16.1920000+00:00""#)).is_some());
        assert!(time(&raw(r#""\"2026-11-26T13:03:16Z\"""#)).is_some());
        for json in [r#""0001-01-01T00:00:00""#, r#""2026-11-26T13:03:16""#, "7", "null"] {
            assert_eq!(time(&raw(json)), None, "{json}");
        }
    }

    proptest! {
        /// As the host writes it.
        #[test]
        fn whatever_text_the_host_is_given_comes_back(told in any::<String>()) {
            let twice = serde_json::to_string(&serde_json::to_string(&told).expect("JSON")).expect("JSON");
            prop_assert_eq!(text(&raw(&twice)), Some(told));
        }
    }
}
