//! JavaScript's SDK: it writes headers as they are, where the specification wants them percent-encoded.

use crate::application::Served;
use crate::events::{self, object, stored};
use crate::peer::{Answer, Mode, Peer, REFUSED, Sending, TAKEN};

const MODES: &[Mode] = &[Mode::Binary, Mode::Structured, Mode::Batch];

const PEER: Peer = Peer::JavaScript;

#[test]
fn names_and_ids_arrive_in_json() {
    events::names_and_ids_arrive(PEER, &[Mode::Structured, Mode::Batch]);
}

#[test]
fn data_arrives() {
    events::data_arrives(PEER, MODES);
}

#[test]
fn messages_arrive() {
    events::messages_arrive(PEER, MODES);
}

#[test]
fn times_arrive() {
    let times = [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-26T13:03:16.192837Z", 1_795_698_196_192_000),
        ("2026-11-26T15:03:16.5+02:00", 1_795_698_196_500_000),
        ("2024-02-29T23:59:59-00:30", 1_709_252_999_000_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999_000),
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
fn headers_that_are_not_encoded_are_read_as_the_specification_reads_them() {
    let served = Served::start();
    // What is sent as it is, and what of it is meant by the specification.
    let read = [
        ("a b/c  d", "a b/c  d"),
        ("say \"hello\"", "say \"hello\""),
        ("back\\slash", "back\\slash"),
        ("a+b&c=d?e#f;g,h:i@j(k)", "a+b&c=d?e#f;g,h:i@j(k)"),
        ("100%", "100%"),
        ("%zz%", "%zz%"),
        ("50% off", "50% off"),
        // A receiver cannot know that it was not encoded.
        ("%41", "A"),
        ("%2541", "%41"),
        // HTTP has no space at the end of a header.
        (" both ends ", " both ends"),
    ];
    let binary = |key: &str| Sending::one(Mode::Binary, stored("1", key));
    let sendings: Vec<Sending> = read.iter().map(|(sent, _)| binary(sent)).collect();
    assert_eq!(PEER.send(served.address, &sendings), vec![TAKEN; read.len()]);
    assert_eq!(served.came(), read.map(|(_, meant)| object("1", meant)));
    // Node.js writes Latin-1, which is no UTF-8, and has no way to write the rest.
    let sendings = ["Grüße", "Grüße ☺", "😀"].map(binary);
    assert_eq!(PEER.send(served.address, &sendings), [REFUSED, Answer::Unsent, Answer::Unsent]);
    // In double quotes, as older versions of the specification had it.
    let quoted = Sending::one(Mode::Binary, stored("\"a \\\"b\\\" %41\"", "a"));
    assert_eq!(PEER.send(served.address, &[quoted]), [TAKEN]);
    assert_eq!(served.came(), [object("a \"b\" A", "a")]);
}
