//! CloudEvents as JSON: one, or a list of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};
use skyport_core::Result;

use super::{CloudEvent, event, malformed, no_data};

/// The most events of a batch.
const MOST: usize = 1_000;

/// The event in a body.
///
/// # Errors
/// `Malformed` where it is not JSON, or the JSON is no CloudEvent; the error says why.
pub(crate) fn structured(body: &[u8]) -> Result<CloudEvent> {
    let value: Value = serde_json::from_slice(body).map_err(no_json)?;
    of_value(value)
}

/// The events in a body; there may be none.
///
/// # Errors
/// `Malformed` where it is not JSON, no list, too long, or where one of them is no CloudEvent.
pub(crate) fn batch(body: &[u8]) -> Result<Vec<CloudEvent>> {
    let Value::Array(values) = serde_json::from_slice(body).map_err(no_json)? else {
        return Err(malformed("the batch of CloudEvents is no list"));
    };
    if values.len() > MOST {
        return Err(malformed(format!("the batch has more than {MOST} CloudEvents: send several")));
    }
    values.into_iter().map(of_value).collect()
}

fn no_json(error: serde_json::Error) -> skyport_core::Error {
    malformed(format!("the CloudEvent is not JSON: {error}"))
}

fn of_value(value: Value) -> Result<CloudEvent> {
    let Value::Object(mut members) = value else {
        return Err(malformed("the CloudEvent is no JSON object"));
    };
    let data = data(&mut members)?;
    let attribute = |name: &str| match members.get(name) {
        // What is null is not set.
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(format!("the CloudEvent's attribute `{name}` is no text"))),
    };
    event(attribute, data)
}

/// The data as bytes: what is JSON as JSON, other text as it is, and base64 as what it stands for.
fn data(members: &mut Map<String, Value>) -> Result<Bytes> {
    let data = members.remove("data").filter(|data| !data.is_null());
    let binary = members.remove("data_base64").filter(|data| !data.is_null());
    match (data, binary) {
        (None, None) => Ok(Bytes::new()),
        (Some(_), Some(_)) => Err(malformed("the CloudEvent has both `data` and `data_base64`")),
        (None, Some(Value::String(text))) => STANDARD.decode(text).map(Bytes::from).map_err(no_data),
        (None, Some(_)) => Err(malformed("the CloudEvent's `data_base64` is no text")),
        (Some(Value::String(text)), None) if !is_json(members) => Ok(text.into()),
        (Some(data), None) => serde_json::to_vec(&data).map(Bytes::from).map_err(no_data),
    }
}

/// Whether the data is JSON, as it is where nothing else is said.
fn is_json(members: &Map<String, Value>) -> bool {
    let Some(kind) = members.get("datacontenttype").and_then(Value::as_str) else { return true };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(more: Value) -> Value {
        let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"});
        let Value::Object(more) = more else { panic!("an object") };
        for (name, value) in more {
            event[name] = value;
        }
        event
    }

    fn of(event: Value) -> Result<CloudEvent> {
        structured(event.to_string().as_bytes())
    }

    #[test]
    fn attributes_are_members_and_null_is_not_set() {
        let event = of(with(json!({"subject": "objects/ü %41", "time": null, "dataschema": null, "ext": 5})));
        let event = event.expect("sound");
        assert_eq!((&*event.id, &*event.source, &*event.kind), ("1", "/s", "t"));
        // Nothing is percent-decoded here.
        assert_eq!((event.subject.as_deref(), event.time), (Some("objects/ü %41"), None));
        assert!(event.data.is_empty());
    }

    #[test]
    fn data_is_what_a_body_would_be() {
        for (more, data) in [
            (json!({"data": {"a": [1, "b"]}}), &br#"{"a":[1,"b"]}"#[..]),
            (json!({"data": "text"}), br#""text""#),
            (json!({"data": "text", "datacontenttype": "text/plain"}), b"text"),
            (
                json!({"data": "text", "datacontenttype": "application/vnd.x+JSON; charset=utf-8"}),
                br#""text""#,
            ),
            (json!({"data": "<a/>", "datacontenttype": "application/xml"}), b"<a/>"),
            (json!({"data_base64": "AP8=", "datacontenttype": "image/png"}), b"\x00\xff"),
            (json!({"data_base64": "e30="}), b"{}"),
            (json!({"data": null, "data_base64": null}), b""),
        ] {
            assert_eq!(of(with(more.clone())).expect("sound").data, data, "{more}");
        }
    }

    #[test]
    fn what_is_no_event_is_malformed_and_says_why() {
        for (event, why) in [
            (json!([]), "no JSON object"),
            (json!("text"), "no JSON object"),
            (json!({"specversion": "1.0"}), "`id`"),
            (with(json!({"specversion": "2.0"})), "2.0"),
            (with(json!({"id": 7})), "`id`"),
            (with(json!({"id": ""})), "`id`"),
            (with(json!({"type": null})), "`type`"),
            (with(json!({"time": "soon"})), "`time`"),
            (with(json!({"data": 1, "data_base64": "AA=="})), "both"),
            (with(json!({"data_base64": "not base64!"})), "data"),
            (with(json!({"data_base64": 1})), "data_base64"),
        ] {
            let error = of(event).expect_err(why);
            assert!(error.message().contains(why), "{error} has no {why}");
        }
        for text in ["", "{", "nonsense", &"[".repeat(200_000), &"{\"data\":".repeat(200_000)] {
            assert!(structured(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_batch_is_a_list_that_may_be_empty() {
        assert!(batch(b"[]").expect("sound").is_empty());
        let two = json!([with(json!({})), with(json!({"id": "2"}))]).to_string();
        assert_eq!(batch(two.as_bytes()).expect("sound")[1].id, "2");
        assert!(batch(b"{}").is_err());
        assert!(batch(json!([with(json!({})), 1]).to_string().as_bytes()).is_err());
        let many = Value::Array(vec![with(json!({})); MOST + 1]).to_string();
        assert!(batch(many.as_bytes()).expect_err("too many").message().contains("several"));
    }
}
