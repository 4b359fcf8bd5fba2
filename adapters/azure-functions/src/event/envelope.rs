//! What the host calls with: `{"Data":{..},"Metadata":{..}}`. Both stay text until somebody wants a part of them.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;
use skyport_core::Result;

use super::{malformed, once};

/// The body of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Envelope<'b> {
    /// What the first binding of the function holds, which is its trigger.
    pub(crate) data: Option<&'b RawValue>,
    /// What is told of it.
    pub(crate) metadata: Metadata<'b>,
}

/// What is told of an event, as far as it counts here. Of a message that is an object of JSON, its sender may have written it:
/// [`queue`](super::queue) knows which part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Metadata<'b> {
    pub(crate) id: Option<&'b RawValue>,
    pub(crate) dequeue_count: Option<&'b RawValue>,
    pub(crate) pop_receipt: Option<&'b RawValue>,
    pub(crate) insertion_time: Option<&'b RawValue>,
    retry_context: Option<&'b RawValue>,
    pub(crate) sys: Option<&'b RawValue>,
}

impl<'b> Envelope<'b> {
    /// Reads a body.
    ///
    /// # Errors
    /// `Malformed` where it is no object of JSON.
    pub(crate) fn read(body: &'b [u8]) -> Result<Self> {
        let text = std::str::from_utf8(body).map_err(|_| malformed("the body of a call is not UTF-8"))?;
        let mut envelope = Self::default();
        let read = each(text, |name, value| match name {
            "Data" => envelope.data = first(value),
            "Metadata" => envelope.metadata = Metadata::read(value),
            _ => {}
        });
        read.map_err(|error| {
            malformed(format!(
                "the body of a call is no object of JSON: see line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        Ok(envelope)
    }
}

/// The first field of an object. The host writes the trigger before what else a function is bound to.
fn first(object: &RawValue) -> Option<&RawValue> {
    let mut first = None;
    // What is no object has none.
    let _ = each(object.get(), |_, value| {
        first.get_or_insert(value);
    });
    first
}

impl<'b> Metadata<'b> {
    /// What is there; nothing where it is no object.
    fn read(raw: &'b RawValue) -> Self {
        let mut metadata = Self::default();
        let _ = each(raw.get(), |name, value| match name {
            "Id" => metadata.id = Some(value),
            "DequeueCount" => metadata.dequeue_count = Some(value),
            "PopReceipt" => metadata.pop_receipt = Some(value),
            "InsertionTime" => metadata.insertion_time = Some(value),
            "RetryContext" => metadata.retry_context = Some(value),
            "sys" => metadata.sys = Some(value),
            _ => {}
        });
        metadata
    }

    /// Which attempt this is, where the host repeats calls by itself, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        let mut count = 0;
        if let Some(raw) = self.retry_context {
            let _ = each(raw.get(), |name, value| {
                if name == "RetryCount" {
                    count = once::number(value).unwrap_or_default();
                }
            });
        }
        u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Hands over each field of an object of JSON. Nothing is kept of it, however large it is.
pub(crate) fn each<'b>(json: &'b str, found: impl FnMut(&str, &'b RawValue)) -> serde_json::Result<()> {
    struct Fields<F>(F);

    impl<'b, F: FnMut(&str, &'b RawValue)> DeserializeSeed<'b> for Fields<F> {
        type Value = ();

        fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'b, F: FnMut(&str, &'b RawValue)> Visitor<'b> for Fields<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'b>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((name, value)) = map.next_entry::<String, &'b RawValue>()? {
                (self.0)(&name, value);
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    Fields(found).deserialize(&mut deserializer)?;
    deserializer.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_binding_is_the_triggers_and_what_nobody_asks_for_is_passed_over() {
        let body = br#" {"Data":{"queue":"\"hello\"","more":{"a":1}},"Metadata":{"Id":"\"1\"","x":[],"sys":{"UtcNow":"t"}},"New":0} "#;
        let envelope = Envelope::read(body).expect("sound");
        assert_eq!(envelope.data.map(RawValue::get), Some(r#""\"hello\"""#));
        assert_eq!(envelope.metadata.id.map(RawValue::get), Some(r#""\"1\"""#));
        assert_eq!(envelope.metadata.sys.map(RawValue::get), Some(r#"{"UtcNow":"t"}"#));
        assert!(envelope.metadata.dequeue_count.is_none());
    }

    #[test]
    fn what_is_missing_or_of_another_form_is_as_good_as_not_there() {
        for body in ["{}", r#"{"Data":null}"#, r#"{"Data":[1],"Metadata":7}"#, r#"{"Data":{}}"#] {
            let envelope = Envelope::read(body.as_bytes()).expect(body);
            assert!(envelope.data.is_none() && envelope.metadata.id.is_none());
        }
    }

    #[test]
    fn what_is_no_object_of_json_is_malformed_and_nothing_of_it_is_told() {
        let deep = format!("{{\"Data\":{}", "[".repeat(500_000));
        for body in ["", "null", "[]", "\"secret\"", "{\"Data\":secret}", "{} {}", &deep] {
            let error = Envelope::read(body.as_bytes()).expect_err("malformed").to_string();
            assert!(!error.contains("secret") && error.len() < 200, "{error}");
        }
        assert!(Envelope::read(b"\xff").is_err());
    }

    #[test]
    fn the_hosts_own_repetitions_are_attempts() {
        let of = |context: &str| {
            let body = format!(r#"{{"Metadata":{{"RetryContext":{context}}}}}"#);
            Envelope::read(body.as_bytes()).expect("sound").metadata.attempt()
        };
        assert_eq!(of(r#"{"RetryCount":2,"MaxRetryCount":5,"Exception":null}"#), 3);
        assert_eq!(of(r#"{"RetryCount":"1"}"#), 2);
        assert_eq!(of(r#"{"RetryCount":18446744073709551615}"#), u32::MAX);
        for none in ["{}", "null", "7", r#"{"RetryCount":-1}"#] {
            assert_eq!(of(none), 1);
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(
            body in proptest::collection::vec(any::<u8>(), 0..60),
            json in "[\\[\\]{}:,\"DatMe0-9 ]{0,60}",
        ) {
            let _ = Envelope::read(&body);
            let _ = Envelope::read(json.as_bytes());
        }
    }
}
