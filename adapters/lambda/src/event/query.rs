//! Queries that a gateway took apart, put together again.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::escape;

/// All but what stands for itself in a query.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The pairs of a query: of the map with all values where it is there, else of the one with the last of each. Never of both:
/// the one repeats the other. In the order of their names, for the order in which they were sent is lost.
fn pairs(event: &Value) -> Vec<(&str, &str)> {
    let mut pairs = unordered(event);
    // Stable: the values of one name stay as they came.
    pairs.sort_by_key(|(name, _)| *name);
    pairs
}

fn unordered(event: &Value) -> Vec<(&str, &str)> {
    let every = event["multiValueQueryStringParameters"].as_object();
    if let Some(every) = every.filter(|every| !every.is_empty()) {
        return every
            .iter()
            .flat_map(|(name, values)| {
                let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
                values.iter().filter_map(move |value| Some((name.as_str(), value.as_str()?)))
            })
            .collect();
    }
    let last = event["queryStringParameters"].as_object();
    last.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

/// The query of a request whose gateway decoded it.
pub(crate) fn of_decoded(event: &Value) -> String {
    join(event, |text| utf8_percent_encode(text, VALUE).to_string())
}

/// The query of a request whose gateway left names and values encoded.
pub(crate) fn of_encoded(event: &Value) -> String {
    join(event, escape::query)
}

fn join(event: &Value, encode: impl Fn(&str) -> String) -> String {
    let pairs = pairs(event).into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_is_there_once() {
        let both = json!({
            "multiValueQueryStringParameters": {"q": ["1", "+ x&y"], "empty": [""]},
            "queryStringParameters": {"q": "+ x&y", "empty": ""},
        });
        assert_eq!(of_decoded(&both), "empty=&q=1&q=%2B%20x%26y");
        let last = json!({"multiValueQueryStringParameters": null, "queryStringParameters": {"\u{e9}": "1"}});
        assert_eq!(of_decoded(&last), "%C3%A9=1");
        assert_eq!(of_decoded(&json!({"queryStringParameters": null})), "");
        assert_eq!(of_decoded(&json!({"queryStringParameters": {"a": 1, "b": null}})), "");
    }

    #[test]
    fn what_came_encoded_is_not_encoded_again() {
        let encoded = json!({"queryStringParameters": {"q%20r": "%2B+x"}});
        assert_eq!(of_encoded(&encoded), "q%20r=%2B+x");
    }
}
