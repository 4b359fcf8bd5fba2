//! Messages that the host hands over, and what may be believed of what is told about them.
//!
//! The host looks into a message: of one that is an object of JSON it puts the fields into `Metadata`, over what stands there already.
//! So whoever may send a message may write its id, its count and its receipt. Skyport's own messages are no JSON, and nothing of them
//! is overwritten. Of any other object it is looked which fields it has: those are not believed.

use std::time::SystemTime;

use serde_json::value::RawValue;
use skyport_azure_wire::message::{QueueMessage, receipt};
use skyport_core::queue::port::Receipt;

use super::envelope::{Metadata, each};
use super::{Envelope, once};

/// A message as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    /// The message.
    pub(crate) message: QueueMessage,
    /// What settles it; `None` where it or the count cannot be believed, or is not told.
    pub(crate) receipt: Option<Receipt>,
}

/// The message of a call; `None` where there is none in it. Where its id cannot be believed it goes by the call's (`call`), and is a first
/// delivery where its count cannot.
pub(crate) fn handed(envelope: &Envelope<'_>, call: &str, now: SystemTime) -> Option<Handed> {
    let text = once::text(envelope.data?)?;
    let Believed { id, pop_receipt, dequeue_count, insertion_time } = believed(&envelope.metadata, &text);
    let told = |raw: Option<&RawValue>| raw.and_then(once::text);
    let (id, pop_receipt) = (told(id), told(pop_receipt));
    let receipt = match (&id, &pop_receipt) {
        (Some(id), Some(pop_receipt)) => receipt(id, pop_receipt).ok(),
        _ => None,
    };
    // Without both it is none of Queue Storage's, whatever it says.
    let id = id.filter(|id| receipt.is_some() || is_id(id)).unwrap_or_else(|| call.to_owned());
    // Where only the host knows the count, it alone settles: in its last attempt it would move a message among the poisoned ones, find its receipt
    // no longer good, and move it once more.
    let receipt = receipt.filter(|_| dequeue_count.is_some());
    let inserted = insertion_time.and_then(once::time).unwrap_or(now);
    let mut message = QueueMessage::new(id, text, inserted);
    message.dequeue_count = dequeue_count.and_then(once::number).unwrap_or(1);
    Some(Handed { message, receipt })
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What nobody but the host can have written.
#[derive(Clone, Copy, Debug, Default)]
struct Believed<'b> {
    id: Option<&'b RawValue>,
    pop_receipt: Option<&'b RawValue>,
    dequeue_count: Option<&'b RawValue>,
    insertion_time: Option<&'b RawValue>,
}

fn believed<'b>(metadata: &Metadata<'b>, text: &str) -> Believed<'b> {
    let mut believed = Believed {
        id: metadata.id,
        pop_receipt: metadata.pop_receipt,
        dequeue_count: metadata.dequeue_count,
        insertion_time: metadata.insertion_time,
    };
    if !may_be_object(text) {
        return believed;
    }
    // The host reads more than JSON (comments, single quotes, a byte that is no letter for one that is): what is not plain is not believed.
    let mut plain = true;
    let read = each(text, |name, _| {
        plain &= name.is_ascii();
        match name.to_ascii_lowercase().as_str() {
            "id" => believed.id = None,
            "popreceipt" => believed.pop_receipt = None,
            "dequeuecount" => believed.dequeue_count = None,
            "insertiontime" => believed.insertion_time = None,
            _ => {}
        }
    });
    if read.is_ok() && plain { believed } else { Believed::default() }
}

/// Whether the host may take it for an object. It passes over what is blank before it looks.
fn may_be_object(text: &str) -> bool {
    let blank =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{180e}' | '\u{200b}');
    text.trim_start_matches(blank).starts_with('{')
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// As the host writes it.
    fn twice(value: &Value) -> Value {
        Value::String(value.to_string())
    }

    fn of(text: &str, metadata: &Value) -> Option<Handed> {
        let body = json!({"Data": {"queue": twice(&json!(text))}, "Metadata": metadata}).to_string();
        handed(&Envelope::read(body.as_bytes()).expect("sound"), "the-call", UNIX_EPOCH)
    }

    fn told(id: &str) -> Value {
        json!({
            "DequeueCount": "3",
            "Id": twice(&json!(id)),
            "PopReceipt": twice(&json!("AgAAAAMAAAAAAAAA+/=")),
            "InsertionTime": "1970-01-01T00:01:00+00:00",
            "sys": {"MethodName": "queue"},
        })
    }

    #[test]
    fn a_message_comes_with_its_id_its_count_and_its_receipt() {
        for text in ["hello!!", "c2t5cG9ydDE6", "[{\"id\":1}]", "\"{}\"", ""] {
            let handed = of(text, &told("52d5-1")).expect("a message");
            assert_eq!((&*handed.message.id, &*handed.message.text), ("52d5-1", text));
            assert_eq!(handed.message.dequeue_count, 3);
            assert_eq!(handed.message.inserted, UNIX_EPOCH + Duration::from_secs(60));
            let receipt = handed.receipt.expect("believed");
            assert_eq!(receipt.as_str(), "52d5-1:AgAAAAMAAAAAAAAA+/=");
        }
    }

    #[test]
    fn what_a_message_can_overwrite_is_not_believed() {
        // An object that has other fields only tells nothing of these.
        let handed = of("{\"order\":7}", &told("52d5")).expect("a message");
        assert!(handed.receipt.is_some() && handed.message.dequeue_count == 3);
        for (text, id, count) in [
            ("{\"id\":\"x\"}", "the-call", 3),
            (" {\"\\u0049D\":\"x\"}", "the-call", 3),
            ("{\"popReceipt\":\"x\"}", "52d5", 3),
            ("{\"DEQUEUECOUNT\":1,\"Id\":2}", "the-call", 1),
            // JSON to the host, and not to us.
            ("{'Id':'x'}", "the-call", 1),
            ("\u{feff}{Id:'x'}", "the-call", 1),
            ("{/**/\"Id\":1,}", "the-call", 1),
            ("{\"\u{212a}\":1}", "the-call", 1),
            ("\u{a0}{\"Id\":1} ", "the-call", 1),
        ] {
            let handed = of(text, &told("52d5")).expect("a message");
            assert_eq!(handed.receipt, None, "{text}");
            assert_eq!((&*handed.message.id, handed.message.dequeue_count), (id, count), "{text}");
            assert_eq!(handed.message.text, text);
        }
    }

    #[test]
    fn what_is_not_told_or_is_not_queue_storages_is_done_without() {
        let handed = of("hello", &json!({})).expect("a message");
        assert_eq!(
            (&*handed.message.id, handed.message.dequeue_count, handed.receipt),
            ("the-call", 1, None)
        );
        let odd = json!({"Id": "a/../b", "PopReceipt": {"a": 1}, "DequeueCount": "many", "InsertionTime": 7});
        let handed = of("hello", &odd).expect("a message");
        assert_eq!(
            (&*handed.message.id, handed.message.dequeue_count, handed.receipt),
            ("the-call", 1, None)
        );
        let none = Envelope::read(b"{\"Data\":{\"queue\":null}}").expect("sound");
        assert_eq!(super::handed(&none, "c", UNIX_EPOCH), None);
        assert_eq!(super::handed(&Envelope::default(), "c", UNIX_EPOCH), None);
    }

    proptest! {
        /// As the host does: the fields of an object of JSON go over what stands in the metadata, whatever their case.
        #[test]
        fn no_message_that_is_json_writes_what_is_believed(
            name in "(?i)(id|popreceipt|dequeuecount)",
            before in "[ \\t\\n]{0,3}",
            value in "[ -!#-\\[\\]-~]{0,12}",
        ) {
            let forged = json!({&*name: value});
            let mut metadata = told("52d5");
            for field in ["Id", "PopReceipt", "DequeueCount"] {
                if field.eq_ignore_ascii_case(&name) {
                    metadata[field] = twice(&json!("forged-7"));
                }
            }
            let handed = of(&format!("{before}{forged}"), &metadata).expect("a message");
            prop_assert_eq!(handed.receipt, None);
            prop_assert_ne!(&handed.message.id, "forged-7");
            prop_assert!([1, 3].contains(&handed.message.dequeue_count));
        }
    }
}
