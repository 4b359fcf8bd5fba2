//! The events that every peer sends, and what of them is to arrive.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyport_core::queue::port::Attributes;

use crate::application::{Came, Served};
use crate::peer::{Mode, Peer, REFUSED, Sending, TAKEN};

/// When every event happened that does not say otherwise, and the same in microseconds.
pub(crate) const TIME: &str = "2026-11-26T13:03:16.192Z";
const MICROS: u128 = 1_795_698_196_192_000;

/// Texts that are hard on headers, on percent-encoding, on quoting, or on JSON.
pub(crate) const WEIRD: &[&str] = &[
    "plain.txt",
    "a b/c  d",
    " both ends ",
    "100%",
    "100%25",
    "%41",
    "%2541",
    "%zz%",
    "50% off",
    "Grüße ☺ 😀",
    "e\u{301}",
    "日本語/ファイル",
    "say \"hello\"",
    "\"quoted\"",
    "back\\slash",
    "\\\"",
    "a+b&c=d?e#f;g,h:i@j(k)",
    "{\"json\":1}",
    "a\u{a0}b",
    "a\u{2028}b\u{feff}",
    "\u{202e}right to left",
];

/// An object was created: its name stands in the subject alone.
pub(crate) fn stored(id: &str, key: &str) -> Value {
    json!({
        "attributes": {
            "id": id,
            "source": "//storage.googleapis.com/projects/_/buckets/photos",
            "type": "google.cloud.storage.object.v1.finalized",
            "subject": format!("objects/{key}"),
            "time": TIME,
        },
    })
}

/// The same as it arrives.
pub(crate) fn object(id: &str, key: &str) -> Came {
    let (id, key) = (id.to_owned(), key.to_owned());
    Came::Object { created: true, key, size: None, etag: None, time: MICROS, id }
}

/// Eventarc brings a message.
pub(crate) fn published(message: &Value) -> Value {
    json!({
        "attributes": {
            "id": "8",
            "source": "//pubsub.googleapis.com/projects/p/topics/jobs",
            "type": "google.cloud.pubsub.topic.v1.messagePublished",
            "time": TIME,
            "datacontenttype": "application/json",
        },
        "json": {"message": message, "subscription": "projects/p/subscriptions/eventarc-europe-jobs-7"},
    })
}

/// The same event, its data as bytes.
pub(crate) fn in_bytes(mut event: Value) -> Value {
    let data = event["json"].take();
    event.as_object_mut().expect("an object").remove("json");
    event["base64"] = STANDARD.encode(data.to_string()).into();
    event
}

/// With this attribute.
pub(crate) fn with(mut event: Value, attribute: &str, value: impl Into<Value>) -> Value {
    event["attributes"][attribute] = value.into();
    event
}

/// Sends these in every mode, and compares what arrives: each is taken, and calls a function once.
fn arrive(peer: Peer, modes: &[Mode], events: &[(Value, Came)]) {
    let served = Served::start();
    let all = || modes.iter().flat_map(|mode| events.iter().map(move |event| (*mode, event)));
    let sendings: Vec<Sending> = all().map(|(mode, (event, _))| Sending::one(mode, event.clone())).collect();
    let answers = peer.send(served.address, &sendings);
    for (answer, sending) in answers.iter().zip(&sendings) {
        assert_eq!(*answer, TAKEN, "{sending:?}");
    }
    let came = served.came();
    for (came, (mode, (_, expected))) in came.iter().zip(all()) {
        assert_eq!(came, expected, "{mode:?}");
    }
    assert_eq!(came.len(), sendings.len());
}

/// Every text arrives, as the id of an event and as the name of an object.
pub(crate) fn names_and_ids_arrive(peer: Peer, modes: &[Mode]) {
    let long = ["x".repeat(1_024), "😀".repeat(256)];
    let texts = WEIRD.iter().copied().chain(long.iter().map(String::as_str));
    let events: Vec<_> = texts.map(|text| (stored(text, text), object(text, text))).collect();
    arrive(peer, modes, &events);
}

/// What the data says wins over the subject, however the data is written; where there is none, the subject is enough.
pub(crate) fn data_arrives(peer: Peer, modes: &[Mode]) {
    let key = "Grüße ☺ 😀/100%/\"a\\b\".txt";
    let resource = json!({
        "kind": "storage#object",
        "bucket": "photos",
        "name": key,
        "size": "9007199254740993",
        "generation": "1795698196192001",
        "metadata": {"note": "a\r\nb\u{0}c"},
    });
    let mut whole = with(stored("1", "another"), "datacontenttype", "application/json");
    whole["json"] = resource.clone();
    let mut text = with(stored("1", "another"), "datacontenttype", "text/plain; charset=utf-8");
    text["text"] = resource.to_string().into();
    let mut untyped = stored("1", "another");
    untyped["json"] = resource;
    let deleted = with(stored("1", "gone"), "type", "google.cloud.storage.object.v1.deleted");
    let came = |created: bool, key: &str| Came::Object {
        created,
        key: key.to_owned(),
        size: created.then_some(9_007_199_254_740_993),
        etag: created.then(|| "1795698196192001".to_owned()),
        time: MICROS,
        id: "1".to_owned(),
    };
    let events =
        [whole.clone(), in_bytes(whole), text, in_bytes(untyped)].map(|event| (event, came(true, key)));
    arrive(peer, modes, &events);
    arrive(peer, modes, &[(deleted, came(false, "gone"))]);
}

/// A message arrives with any attributes and any bytes, without either, and in any of its data's forms.
pub(crate) fn messages_arrive(peer: Peer, modes: &[Mode]) {
    let bytes: Vec<u8> = (0..=255).collect();
    let attributes: serde_json::Map<String, Value> =
        WEIRD.iter().map(|&text| (text.to_owned(), text.into())).collect();
    let controls = json!({"empty": "", "lines": "a\r\nb\tc", "nothing": "\u{0}"});
    let messages = [
        json!({"messageId": "17", "publishTime": TIME, "data": STANDARD.encode(&bytes), "attributes": attributes}),
        json!({"message_id": "18", "publish_time": TIME, "attributes": controls}),
        json!({"messageId": "19", "publishTime": TIME, "data": ""}),
    ];
    let events = messages.iter().flat_map(|message| {
        let came = Came::Message {
            id: message["messageId"].as_str().unwrap_or("18").to_owned(),
            attributes: serde_json::from_value(message["attributes"].clone()).unwrap_or_default(),
            body: STANDARD.decode(message["data"].as_str().unwrap_or_default()).expect("base64").into(),
            time: MICROS,
        };
        [(published(message), came.clone()), (in_bytes(published(message)), came)]
    });
    arrive(peer, modes, &events.collect::<Vec<_>>());
}

/// A time arrives as the instant that it is; to which part of a second is the SDK's.
pub(crate) fn times_arrive(peer: Peer, modes: &[Mode], times: &[(&str, u128)]) {
    let at = |micros: u128| match object("1", "a") {
        Came::Object { created, key, size, etag, id, .. } => {
            Came::Object { created, key, size, etag, time: micros, id }
        }
        other @ Came::Message { .. } => other,
    };
    let events: Vec<_> =
        times.iter().map(|(time, micros)| (with(stored("1", "a"), "time", *time), at(*micros))).collect();
    arrive(peer, modes, &events);
}

/// Extensions that nobody here knows hinder nothing, and an event continues the trace that it names.
pub(crate) fn extensions_and_traces_arrive(peer: Peer, modes: &[Mode]) {
    let served = Served::start();
    let event = [
        ("traceparent", json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
        ("tracestate", json!("a=b,c=d")),
        ("dataschema", json!("https://example.com/schema?a=%41")),
        ("number", json!(7)),
        ("truth", json!(true)),
        ("abcdefghijklmnopqrstuvwxyz0123456789", json!("long name")),
    ]
    .into_iter()
    .fold(stored("1", "a"), |event, (name, value)| with(event, name, value));
    let sendings: Vec<Sending> = modes.iter().map(|mode| Sending::one(*mode, event.clone())).collect();
    assert_eq!(peer.send(served.address, &sendings), vec![TAKEN; modes.len()]);
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    assert_eq!(served.traced(), vec![(object("1", "a"), trace); modes.len()]);
}

/// A batch may have none, many, and of both kinds.
pub(crate) fn batches_arrive(peer: Peer) {
    let served = Served::start();
    let ids: Vec<String> = (0..100).map(|number| format!("{number:03} ☺")).collect();
    let mut many: Vec<Value> = ids.iter().map(|id| stored(id, id)).collect();
    many.push(published(&json!({"messageId": "17", "publishTime": TIME, "data": "AP8="})));
    let batch = |events: Vec<Value>| Sending { mode: Mode::Batch, events };
    assert_eq!(peer.send(served.address, &[batch(Vec::new()), batch(many)]), [TAKEN, TAKEN]);
    let mut came = served.came();
    came.sort();
    let mut expected: Vec<Came> = ids.iter().map(|id| object(id, id)).collect();
    let (id, attributes, body) = ("17".to_owned(), Attributes::new(), vec![0, 255].into());
    expected.push(Came::Message { id, attributes, body, time: MICROS });
    assert_eq!(came, expected);
}

/// Events of the version before 1.0 are refused, and call nobody.
pub(crate) fn old_events_are_refused(peer: Peer, modes: &[Mode]) {
    let served = Served::start();
    let old = with(stored("1", "a"), "specversion", "0.3");
    let sendings: Vec<Sending> = modes.iter().map(|mode| Sending::one(*mode, old.clone())).collect();
    assert_eq!(peer.send(served.address, &sendings), vec![REFUSED; modes.len()]);
    assert!(served.came().is_empty());
}
