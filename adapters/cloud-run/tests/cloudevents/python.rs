//! Python's SDK: its present interface writes headers as the specification says; its older one writes them as they are.

use serde_json::json;

use crate::application::Served;
use crate::events::{self, object, stored, with};
use crate::peer::{Answer, Mode, Peer, REFUSED, Sending, TAKEN};

const MODES: &[Mode] = &[Mode::Binary, Mode::Structured, Mode::Batch];

const PEER: Peer = Peer::Python;

#[test]
fn names_and_ids_arrive() {
    events::names_and_ids_arrive(PEER, MODES);
}

#[test]
fn names_and_ids_arrive_in_json_from_the_older_interface() {
    events::names_and_ids_arrive(Peer::OldPython, &[Mode::Structured]);
}

#[test]
fn data_arrives() {
    events::data_arrives(PEER, MODES);
}

#[test]
fn messages_arrive() {
    events::messages_arrive(PEER, MODES);
    events::messages_arrive(Peer::OldPython, &[Mode::Binary, Mode::Structured]);
}

#[test]
fn times_arrive() {
    let times = [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-26T13:03:16.192837Z", 1_795_698_196_192_837),
        ("2026-11-26T15:03:16.5+02:00", 1_795_698_196_500_000),
        ("2024-02-29T23:59:59-00:30", 1_709_252_999_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ];
    events::times_arrive(PEER, MODES, &times);
}

#[test]
fn extensions_and_traces_arrive() {
    events::extensions_and_traces_arrive(PEER, MODES);
}

#[test]
fn batches_arrive() {
    events::batches_arrive(PEER);
}

#[test]
fn events_of_the_version_before_are_refused() {
    events::old_events_are_refused(PEER, MODES);
}

#[test]
fn a_text_that_is_said_to_be_json_is_a_text() {
    let served = Served::start();
    let mut event = with(stored("1", "a"), "datacontenttype", "application/json");
    event["text"] = json!("{\"name\": \"b\"}").clone();
    // As a body it is an object; within JSON it is a text, in which an object is written.
    let sendings = [Sending::one(Mode::Binary, event.clone()), Sending::one(Mode::Structured, event)];
    assert_eq!(PEER.send(served.address, &sendings), [TAKEN, REFUSED]);
    assert_eq!(served.came(), [object("1", "b")]);
}

#[test]
fn headers_that_are_not_encoded_are_read_as_the_specification_reads_them() {
    let served = Served::start();
    let binary = |key: &str| Sending::one(Mode::Binary, stored("1", key));
    let sendings = ["a b", "100%", "%41", "Grüße", "☺"].map(binary);
    let answers = Peer::OldPython.send(served.address, &sendings);
    assert_eq!(answers, [TAKEN, TAKEN, TAKEN, REFUSED, Answer::Unsent]);
    assert_eq!(served.came(), [object("1", "a b"), object("1", "100%"), object("1", "A")]);
}
