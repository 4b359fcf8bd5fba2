//! CloudEvents as JSON: one, or a list of them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use skyport_core::Result;

use super::{CloudEvent, event, malformed, no_data};
use crate::event::{no_json, starts_with};

/// The most events of a batch.
const MOST: usize = 1_000;

/// The members that count here, as they are written: nothing is made of them that is larger than the text.
#[derive(Deserialize)]
struct Members<'e> {
    #[serde(borrow)]
    specversion: Option<&'e RawValue>,
    #[serde(borrow)]
    id: Option<&'e RawValue>,
    #[serde(borrow)]
    source: Option<&'e RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    subject: Option<&'e RawValue>,
    #[serde(borrow)]
    time: Option<&'e RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'e RawValue>,
    #[serde(borrow)]
    datacontenttype: Option<&'e RawValue>,
    #[serde(borrow)]
    data: Option<&'e RawValue>,
    #[serde(borrow)]
    data_base64: Option<&'e RawValue>,
}

/// The event in a body, whose data is a part of it where it can be.
///
/// # Errors
/// `Malformed` where it is not JSON, or the JSON is no CloudEvent; the error says why.
pub(crate) fn structured(body: &Bytes) -> Result<CloudEvent> {
    // Serde would take a list for a struct, too.
    if !starts_with(body, b'{') {
        return Err(malformed("the CloudEvent is no JSON object"));
    }
    let members: Members<'_> =
        serde_json::from_slice(body).map_err(|error| no_json("the CloudEvent", &error))?;
    let data = members.data(body)?;
    event(|name| members.attribute(name), data)
}

/// The events in a body, each by itself; there may be none.
///
/// # Errors
/// `Malformed` where it is not JSON, no list, or too long: then it is read no further.
pub(crate) fn batch(body: &Bytes) -> Result<Vec<Result<CloudEvent>>> {
    if !starts_with(body, b'[') {
        return Err(malformed("the batch of CloudEvents is no list"));
    }
    let mut list = serde_json::Deserializer::from_slice(body);
    let events = Few.deserialize(&mut list).and_then(|events| list.end().map(|()| events));
    let events = events.map_err(|error| {
        if error.is_data() {
            malformed(format!("the batch has more than {MOST} CloudEvents: send several"))
        } else {
            no_json("the batch of CloudEvents", &error)
        }
    })?;
    let one = |event: &RawValue| structured(&body.slice_ref(event.get().as_bytes()));
    Ok(events.into_iter().map(one).collect())
}

/// Reads a list of at most [`MOST`], whatever is in it.
struct Few;

impl<'de> DeserializeSeed<'de> for Few {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Few {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = list.next_element()? {
            if events.len() == MOST {
                return Err(A::Error::invalid_length(MOST + 1, &self));
            }
            events.push(event);
        }
        Ok(events)
    }
}

impl Members<'_> {
    fn attribute(&self, name: &str) -> Result<Option<String>> {
        let value = match name {
            "specversion" => self.specversion,
            "id" => self.id,
            "source" => self.source,
            "type" => self.kind,
            "subject" => self.subject,
            "time" => self.time,
            "traceparent" => self.traceparent,
            "datacontenttype" => self.datacontenttype,
            _ => None,
        };
        let text = |value| {
            text(value).ok_or_else(|| malformed(format!("the CloudEvent's attribute `{name}` is no text")))
        };
        // What is null is not set.
        value.map(text).transpose()
    }

    /// The data as bytes: what is JSON as it is written, other text as it is, and base64 as what it stands for.
    fn data(&self, body: &Bytes) -> Result<Bytes> {
        match (self.data, self.data_base64) {
            (None, None) => Ok(Bytes::new()),
            (Some(_), Some(_)) => Err(malformed("the CloudEvent has both `data` and `data_base64`")),
            (None, Some(base64)) => {
                let text =
                    text(base64).ok_or_else(|| malformed("the CloudEvent's `data_base64` is no text"))?;
                STANDARD.decode(text).map(Bytes::from).map_err(no_data)
            }
            (Some(data), None) => {
                let text = if self.is_json() { None } else { text(data) };
                Ok(text.map_or_else(|| body.slice_ref(data.get().as_bytes()), Bytes::from))
            }
        }
    }

    /// Whether the data is JSON, as it is where nothing else is said.
    fn is_json(&self) -> bool {
        let Some(kind) = self.datacontenttype.and_then(text) else { return true };
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence.ends_with("/json") || essence.ends_with("+json")
    }
}

/// The text that a value is; `None` where it is something else.
fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bytes(text: impl Into<String>) -> Bytes {
        text.into().into()
    }

    fn with(more: Value) -> Value {
        let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"});
        let Value::Object(more) = more else { panic!("an object") };
        for (name, value) in more {
            event[name] = value;
        }
        event
    }

    fn of(event: Value) -> Result<CloudEvent> {
        structured(&bytes(event.to_string()))
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
            assert!(structured(&bytes(text)).is_err());
        }
    }

    #[test]
    fn a_batch_is_a_list_that_may_be_empty() {
        assert!(batch(&bytes("[]")).expect("sound").is_empty());
        let two = json!([with(json!({})), with(json!({"id": "2"}))]).to_string();
        assert_eq!(batch(&bytes(two)).expect("sound")[1].as_ref().expect("an event").id, "2");
        for text in ["{}", "", "[", "[1,]", "[1] 2", "[nonsense]"] {
            let error = batch(&bytes(text)).expect_err(text);
            assert!(!error.message().contains("several"), "{error}");
        }
    }

    #[test]
    fn what_is_no_event_in_a_batch_does_not_touch_its_neighbours() {
        let mixed =
            json!([1, with(json!({})), with(json!({"id": 7})), with(json!({"id": "2"})), []]).to_string();
        let read: Vec<Option<String>> = batch(&bytes(mixed))
            .expect("a list")
            .into_iter()
            .map(|event| event.ok().map(|event| event.id))
            .collect();
        assert_eq!(read, [None, Some("1".to_owned()), None, Some("2".to_owned()), None]);
    }

    #[test]
    fn a_batch_is_read_no_further_than_it_may_go() {
        let fits = format!("[{}]", vec![r#"{"":0}"#; MOST].join(","));
        assert_eq!(batch(&bytes(fits)).expect("a list").len(), MOST);
        // Of what follows nobody sees that it is no JSON.
        let many = format!("[{}nonsense", r#"{"":0},"#.repeat(100_000));
        assert!(batch(&bytes(many)).expect_err("too many").message().contains("several"));
    }

    #[test]
    fn data_stays_a_part_of_the_body() {
        // As a tree, this would be some dozens of times as large.
        let data = format!("[{}0]", r#"{"":0},"#.repeat(100_000));
        let start = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","more":[{},{}],"data": "#;
        let body = bytes(format!("{start}{data}}}"));
        let event = structured(&body).expect("sound");
        assert_eq!(event.data, data);
        assert_eq!(event.data.as_ptr(), body[start.len()..].as_ptr());
    }
}
