//! What the program is called with: `Data` and `Metadata`.
//!
//! From `ScriptInvocationContextExtensions.cs` (`ToHttpScriptInvocationContext`, `GetHttpScriptInvocationContextValue`), `WorkerFunctionInvoker.cs` (`TransformInput`)
//! and `Utility.cs` (`ApplyBindingData`, `IsJson`, `ConvertPropertyValue`) of azure-functions-host, `SystemBindingData.cs` of azure-webjobs-sdk and `QueueTriggerBinding.cs` of the
//! extension of Storage.
//!
//! - A value that is no object of .NET's is JSON in a JSON text: texts, and numbers. Times are not.
//! - A message that is an object of JSON lays its own keys over the metadata, `Id`, `DequeueCount` and `sys` among them; case does not count. Its lists
//!   and nulls do not.
//! - Of what is then there, all keys that end in `trigger` go.
//!
//! Not done: Newtonsoft takes a text that looks like a time for one, and writes it otherwise. It reads laxer JSON than this does. Both concern only metadata
//! that a message brought itself.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::queue::QueueMessage;
use crate::time::{offset, utc};
use crate::worker::new_id;

/// What is known of an event beside its data; keys are compared without case.
#[derive(Debug, Default)]
pub(crate) struct BindingData(Vec<(String, Value)>);

impl BindingData {
    fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known.to_lowercase() == key.to_lowercase()) {
            Some((_, known)) => *known = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// `ApplyBindingData`: the keys of a text that is an object of JSON.
    fn apply(&mut self, text: &str) {
        let trimmed = text.trim();
        if !(trimmed.starts_with('{') && trimmed.ends_with('}')) {
            return;
        }
        // What cannot be parsed adds nothing.
        let Ok(Value::Object(object)) = serde_json::from_str(trimmed) else { return };
        for (key, value) in object {
            let value = match value {
                Value::Array(_) | Value::Null => continue,
                Value::Bool(true) => doubled("True"),
                Value::Bool(false) => doubled("False"),
                Value::Number(number) => doubled(&number.to_string()),
                Value::String(text) => doubled(&text),
                Value::Object(_) => value,
            };
            self.set(&key, value);
        }
    }

    fn into_metadata(self) -> Map<String, Value> {
        self.0.into_iter().filter(|(key, _)| !key.to_lowercase().ends_with("trigger")).collect()
    }
}

/// JSON in a text of JSON.
pub(crate) fn doubled(text: &str) -> Value {
    Value::String(Value::from(text).to_string())
}

fn system(function: &str, now: SystemTime) -> Value {
    json!({"MethodName": function, "UtcNow": utc(now), "RandGuid": new_id()})
}

fn whole(binding: &str, data: Value, metadata: BindingData) -> Value {
    json!({"Data": {binding: data}, "Metadata": metadata.into_metadata()})
}

/// Of a message whose text is this, which in the queue may stand encoded.
pub(crate) fn message(function: &str, binding: &str, text: &str, message: &QueueMessage) -> Value {
    let mut metadata = BindingData::default();
    metadata.set("QueueTrigger", doubled(text));
    metadata.set("DequeueCount", message.dequeue_count.to_string().into());
    metadata.set("ExpirationTime", offset(message.expires).into());
    metadata.set("Id", doubled(&message.id));
    metadata.set("InsertionTime", offset(message.inserted).into());
    metadata.set("NextVisibleTime", offset(message.next_visible).into());
    metadata.set("PopReceipt", doubled(&message.pop_receipt));
    metadata.set("sys", system(function, SystemTime::now()));
    metadata.apply(text);
    whole(binding, doubled(text), metadata)
}

/// Of a timer that goes off at this time.
pub(crate) fn timer(function: &str, binding: &str, now: SystemTime, status: Value, past_due: bool) -> Value {
    let mut metadata = BindingData::default();
    metadata.set("sys", system(function, now));
    let data = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": past_due});
    whole(binding, data, metadata)
}

/// Of an event of Event Grid, which the extension makes a text of: its converter from `JToken` is one to `string`, with line breaks.
pub(crate) fn event(function: &str, binding: &str, event: &Value) -> Value {
    let mut metadata = BindingData::default();
    metadata.set("data", event["data"].clone());
    metadata.set("sys", system(function, SystemTime::now()));
    let text = serde_json::to_string_pretty(event).unwrap_or_else(|_| event.to_string());
    metadata.apply(&text);
    whole(binding, doubled(&text), metadata)
}

/// Of an event of Event Grid, where the host hands it over as an object: for extensions whose converter is one to `JObject`.
pub(crate) fn event_object(function: &str, binding: &str, event: &Value) -> Value {
    let mut metadata = BindingData::default();
    metadata.set("data", event["data"].clone());
    metadata.set("sys", system(function, SystemTime::now()));
    whole(binding, event.clone(), metadata)
}

/// Of a request, as `GetRequestAsJObject` has it.
pub(crate) fn request(function: &str, binding: &str, request: Value) -> Value {
    let mut metadata = BindingData::default();
    for (name, value) in request["Params"]
        .as_object()
        .into_iter()
        .flatten()
        .chain(request["Query"].as_object().into_iter().flatten())
    {
        if let Some(text) = value.as_str() {
            metadata.set(name, doubled(text));
        }
    }
    metadata.set("sys", system(function, SystemTime::now()));
    whole(binding, request, metadata)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn of(text: &str) -> Value {
        let mut sent = QueueMessage::new("id-1", "pop", text);
        sent.dequeue_count = 2;
        sent.inserted = UNIX_EPOCH + Duration::from_millis(1_795_489_200_500);
        message("resize", "message", text, &sent)
    }

    #[test]
    fn texts_and_numbers_are_json_in_json() {
        let payload = of("hello \"you\"");
        assert_eq!(payload["Data"]["message"], r#""hello \"you\"""#);
        assert_eq!(payload["Metadata"]["DequeueCount"], "2");
        assert_eq!(payload["Metadata"]["Id"], r#""id-1""#);
        assert_eq!(payload["Metadata"]["InsertionTime"], "2026-11-24T03:00:00+00:00");
        assert_eq!(payload["Metadata"]["sys"]["MethodName"], "resize");
    }

    #[test]
    fn keys_that_end_in_trigger_go() {
        let metadata = &of(r#"{"myTRIGGER":"x","triggered":"y"}"#)["Metadata"];
        assert_eq!((metadata.get("QueueTrigger"), metadata.get("myTRIGGER")), (None, None));
        assert_eq!(metadata["triggered"], "\"y\"");
    }

    #[test]
    fn a_message_lays_its_keys_over_the_metadata() {
        let text = r#" {"id":"spoofed","DEQUEUECOUNT":99,"PopReceipt":null,"InsertionTime":[],"sys":{"a":1},"b":true} "#;
        let payload = of(text);
        let metadata = &payload["Metadata"];
        assert_eq!(metadata["Id"], "\"spoofed\"");
        assert_eq!(metadata["DequeueCount"], "\"99\"");
        assert_eq!(metadata["PopReceipt"], "\"pop\"");
        assert_eq!(metadata["InsertionTime"], "2026-11-24T03:00:00+00:00");
        assert_eq!(metadata["sys"], json!({"a": 1}));
        assert_eq!(metadata["b"], "\"True\"");
        assert_eq!(payload["Data"]["message"], doubled(text));
    }

    #[test]
    fn what_is_no_object_adds_nothing() {
        for text in ["[1]", "{", "{\"a\":}", "text"] {
            assert_eq!(of(text)["Metadata"].as_object().map(Map::len), Some(7), "{text}");
        }
    }

    #[test]
    fn an_event_is_a_text_with_its_keys_laid_over_the_metadata() {
        let sent = json!({"id": "1", "data": {"url": "u"}, "subject": "s"});
        let payload = event("on-blob", "event", &sent);
        let text: String =
            serde_json::from_str(payload["Data"]["event"].as_str().unwrap_or_default()).unwrap_or_default();
        assert!(text.contains('\n') && serde_json::from_str::<Value>(&text).is_ok_and(|read| read == sent));
        assert_eq!(payload["Metadata"]["id"], "\"1\"");
        assert_eq!(payload["Metadata"]["data"], json!({"url": "u"}));
        assert_eq!(event_object("on-blob", "event", &sent)["Data"]["event"], sent);
    }
}
