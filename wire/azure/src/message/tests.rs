use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use skyport_core::queue::port::{OutMessage, QueueLimits};
use skyport_core::{ErrorKind, Result, TraceContext};

use super::*;

/// As it stands in the queue, read again.
fn received(text: &str) -> Result<RawDelivery, Unreadable> {
    QueueMessage::new("1", text, UNIX_EPOCH).into_delivery(Receipt::new("r"))
}

/// As a host with `messageEncoding` `base64` hands it over: what is no text becomes some.
fn by_a_host(text: &str) -> String {
    let bytes = STANDARD.decode(text).expect("what is sent is base64");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A message of ours, written by hand.
fn written(payload: &str) -> String {
    STANDARD.encode(payload)
}

fn traced(body: impl Into<Bytes>) -> OutMessage {
    let mut message = OutMessage::new(body);
    message.envelope.trace = Some(TraceContext::root());
    message
}

/// A message with everything that the contract lets it have, all of it as long as it gets.
fn full(body: Bytes, value: &str) -> OutMessage {
    let limits = QueueLimits::default();
    let mut message = traced(body);
    for n in 0..limits.attributes {
        let value = value.repeat(limits.attribute_bytes / value.len());
        message.attributes.insert(format!("{n:x<64}"), value);
    }
    message.envelope.trace = Some(TraceContext::root().with_state(&format!("x={}", "y".repeat(510))));
    message.envelope.claim = Some("c".repeat(100));
    message.envelope.set_reason(Some(&"\u{1}".repeat(256)));
    message.envelope.set_attempts_before(u32::MAX);
    message
}

#[test]
fn the_documented_message_is_read_and_the_shortest_one() {
    let documented = concat!(
        r#"skyport1:{"attributes":{"colour":"blue","none":{"base64":""}},"later":[1],"#,
        r#""envelope":{"n":4102444800000,"t":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}"#,
        "\nthe body\nin lines"
    );
    for text in [written(documented), format!("{}\r\n", written(documented)), documented.to_owned()] {
        let delivery = received(&text).expect("ours");
        assert_eq!(&delivery.body[..], b"the body\nin lines");
        assert_eq!(delivery.attributes.get("colour").map(String::as_str), Some("blue"));
        assert_eq!(delivery.attributes.get("none").map(String::as_str), Some(""));
        assert!(!delivery.envelope.is_foreign());
    }
    let shortest = received(&written("skyport1:{}\n")).expect("ours");
    assert!(shortest.body.is_empty() && shortest.attributes.is_empty() && shortest.envelope.is_empty());
}

#[test]
fn what_is_sent_looks_as_it_is_documented() {
    let mut message = OutMessage::new("the body");
    assert_eq!(to_text(&message).expect("fits"), written("skyport1:{}\nthe body"));
    message.attributes.insert("colour".to_owned(), "blue".to_owned());
    let colour = r#"{"attributes":{"colour":"blue"}}"#;
    assert_eq!(to_text(&message).expect("fits"), written(&format!("skyport1:{colour}\nthe body")));
    message.envelope.claim = Some("k".to_owned());
    let both = r#"{"attributes":{"colour":"blue"},"envelope":{"c":"k"}}"#;
    assert_eq!(to_text(&message).expect("fits"), written(&format!("skyport1:{both}\nthe body")));
    assert!(to_text(&message).expect("fits").starts_with(LITERAL_ENCODED));
}

#[test]
fn a_body_that_looks_like_a_message_of_ours_is_a_body() {
    let inner = to_text(&traced("inner")).expect("fits");
    for body in [inner, "skyport1:{}\nx".to_owned(), "skyport1:".to_owned(), LITERAL_ENCODED.to_owned()] {
        let text = to_text(&OutMessage::new(body.clone())).expect("fits");
        assert_eq!(received(&text).expect("ours").body, body);
        assert_eq!(received(&by_a_host(&text)).expect("ours").body, body);
    }
}

#[test]
fn what_others_write_is_the_body_as_it_stands() {
    for text in
        ["", "hello", "aGVsbG8=", " {\"a\":1}\n", "Skyport1:", "skyport2:{}\n", "c2t5cG9ydDI6", "\u{1f600}"]
    {
        let delivery = received(text).expect("foreign");
        assert_eq!(delivery.body, text);
        assert!(delivery.envelope.is_empty() && delivery.attributes.is_empty());
    }
}

#[test]
fn what_begins_as_ours_and_is_none_is_malformed_and_comes_as_it_was() {
    let long = format!("skyport1:{{}}\n{}", "x".repeat(PAYLOAD_BYTES));
    for payload in [
        "skyport1:",
        "skyport1:{}",
        "skyport1:\n",
        "skyport1:[]\n",
        "skyport1:[{},{}]\nx",
        "skyport1:hello\nworld",
        "skyport1:{\"attributes\":[]}\n",
        "skyport1:{\"attributes\":{\"a\":1}}\n",
        "skyport1:{\"attributes\":{\"a\":{\"base64\":\"!\"}}}\n",
        "skyport1:{\"attributes\":{\"a\":{\"base64\":\"/w==\"}}}\n",
        "skyport1:{\"envelope\":[null]}\n",
        "skyport1:{\"envelope\":{\"t\":\"nonsense\"}}\n",
        "skyport1:{\"envelope\":{\"e\":\"b64\"}}\nno base64!",
        "skyport1:{\"envelope\":{\"e\":\"zstd\"}}\nx",
        "skyport1:{\n}\n",
        &long,
    ] {
        for text in [written(payload), payload.to_owned()] {
            let unreadable = received(&text).expect_err(payload);
            assert_eq!(unreadable.error.kind(), ErrorKind::Malformed);
            assert_eq!(unreadable.delivery.body, text);
            assert!(unreadable.delivery.envelope.is_empty());
        }
    }
    assert!(received("c2t5cG9ydDE6!").is_err());
}

#[test]
fn the_largest_body_fits_with_all_that_a_message_may_have() {
    for value in ["x", "\"", "\0", "\u{7f}", "ü", "\u{1f600}"] {
        for body in [vec![b'x'; BODY_BYTES], vec![0xff; BODY_BYTES]] {
            let message = full(body.into(), value);
            let text = to_text(&message).expect("fits");
            assert!(text.len() <= TEXT_BYTES, "{}", text.len());
            let delivery = received(&text).expect("ours");
            assert_eq!(delivery.body, message.body);
            assert_eq!(delivery.attributes, message.attributes);
            assert_eq!(delivery.envelope.claim, message.envelope.claim);
            assert!(!delivery.envelope.reason().unwrap_or_default().is_empty());
        }
    }
}

#[test]
fn what_cannot_fit_is_too_large_and_a_reason_never_makes_it_so() {
    let over = to_text(&traced(vec![b'x'; PAYLOAD_BYTES])).expect_err("48 KiB and a trace");
    assert_eq!(over.kind(), ErrorKind::TooLarge);
    // The longest that somebody else can have wrapped.
    let room = PAYLOAD_BYTES - "skyport1:{}\n".len();
    let longest = written(&format!("skyport1:{{}}\n{}", "x".repeat(room)));
    let mut letter = received(&longest).expect("ours").to_message();
    letter.envelope.set_reason(Some("no picture"));
    assert_eq!(to_text(&letter).expect("without the reason"), longest);
}

#[test]
fn a_foreign_message_that_is_too_long_to_be_wrapped_goes_on_as_it_came() {
    let mut letter = received(&"x".repeat(TEXT_BYTES)).expect("foreign").to_message();
    letter.envelope.set_reason(Some("no picture"));
    assert_eq!(to_text(&letter).expect("as it came").len(), TEXT_BYTES);
    let illegal = OutMessage::new("\u{ffff}".repeat(TEXT_BYTES / 3));
    assert_eq!(to_text(&illegal).expect_err("XML has not that").kind(), ErrorKind::TooLarge);
}

#[test]
fn what_cannot_be_read_and_is_too_long_to_be_wrapped_goes_on_as_it_came() {
    let stuffed =
        |beginning: &str, length: usize| beginning.to_owned() + &"x".repeat(length - beginning.len());
    for text in [
        stuffed(LITERAL, PAYLOAD_BYTES),
        stuffed(LITERAL, TEXT_BYTES),
        stuffed("skyport1:{}\n", PAYLOAD_BYTES + 1),
        stuffed(LITERAL_ENCODED, TEXT_BYTES),
    ] {
        let unreadable = received(&text).expect_err("none of ours");
        let mut letter = unreadable.delivery.to_message();
        letter.envelope.set_reason(Some(unreadable.error.message()));
        assert_eq!(to_text(&letter).expect("as it came"), text);
        letter.envelope.set_reason(None);
        assert_eq!(to_text(&letter).expect("and back"), text);
        letter.envelope.trace = Some(TraceContext::root());
        assert_eq!(to_text(&letter).expect_err("what would be lost").kind(), ErrorKind::TooLarge);
    }
    // A message inside of a message is none.
    let room = PAYLOAD_BYTES - "skyport1:{}\n".len();
    let ours = written(&format!("skyport1:{{}}\n{}", "x".repeat(room)));
    for body in [ours, stuffed("skyport1:{}\n", PAYLOAD_BYTES)] {
        let error = to_text(&OutMessage::new(body)).expect_err("it would be taken for another");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

#[test]
fn what_cannot_be_read_is_a_body_like_any_other_once_it_is_sent_back() {
    for text in ["skyport1:nonsense", "c2t5cG9ydDE6e30="] {
        let mut letter = received(text).expect_err("none of ours").delivery.to_message();
        letter.envelope.set_reason(Some("no line feed"));
        let mut back = received(&to_text(&letter).expect("fits")).expect("wrapped").to_message();
        assert_eq!(back.envelope.reason(), Some("no line feed"));
        back.envelope.set_reason(None);
        assert_eq!(received(&to_text(&back).expect("fits")).expect("seen").body, text);
    }
}

#[test]
fn a_body_that_a_host_has_spoilt_is_refused_and_not_handed_over() {
    let small = to_text(&traced(vec![0xff; 20 << 10])).expect("fits");
    assert_eq!(received(&by_a_host(&small)).expect("in base64").body, vec![0xff; 20 << 10]);
    let mut body = vec![b'x'; 40 << 10];
    body[0] = 0xff;
    let large = to_text(&traced(body.clone())).expect("fits");
    assert_eq!(received(&large).expect("as it stands").body, body);
    let error = received(&by_a_host(&large)).expect_err("spoilt").error;
    assert!(error.to_string().contains("messageEncoding"), "{error}");
}

#[test]
fn a_delivery_tells_what_queue_storage_counts() {
    let mut message = QueueMessage::new("id", "x", UNIX_EPOCH + Duration::from_secs(5));
    message.dequeue_count = 3;
    let delivery = message.clone().into_delivery(Receipt::new("r")).expect("foreign");
    assert_eq!((&*delivery.id, delivery.attempt), ("id", 3));
    assert_eq!(delivery.sent_at, UNIX_EPOCH + Duration::from_secs(5));
    for (count, attempt) in [(0, 1), (u64::MAX, u32::MAX)] {
        message.dequeue_count = count;
        assert_eq!(message.clone().into_delivery(Receipt::new("r")).expect("foreign").attempt, attempt);
    }
}

#[test]
fn what_was_counted_before_a_message_was_sent_anew_counts_and_is_never_lost() {
    let mut anew = received("{\"id\":7}").expect("foreign").to_message();
    anew.envelope.set_attempts_before(4);
    let mut message = QueueMessage::new("id", to_text(&anew).expect("fits"), UNIX_EPOCH);
    message.dequeue_count = 2;
    let delivery = message.clone().into_delivery(Receipt::new("r")).expect("ours");
    assert_eq!((delivery.attempt, &delivery.body[..]), (6, &b"{\"id\":7}"[..]));
    assert!(delivery.envelope.is_foreign(), "still read as the queue declares");
    message.dequeue_count = u64::MAX;
    assert_eq!(message.into_delivery(Receipt::new("r")).expect("ours").attempt, u32::MAX);
    let mut long = OutMessage::new("x".repeat(TEXT_BYTES));
    long.envelope.set_attempts_before(1);
    assert_eq!(to_text(&long).expect_err("no room for the count").kind(), ErrorKind::TooLarge);
}

#[test]
fn a_receipt_is_an_id_and_a_pop_receipt_and_nothing_that_leads_elsewhere() {
    let (id, pop) = ("52d5ca05-b1a6-4a2b-9b0a-0d1f5b8d2e7e", "AgAAAAMAAAAAAAAAjKcL/+w==");
    let both = receipt(id, pop).expect("Queue Storage's");
    assert_eq!(split(both.as_str()), Some((id, pop)));
    for (id, pop) in [
        ("", pop),
        ("..", pop),
        ("a/b", pop),
        ("a:b", pop),
        (id, ""),
        (id, "a b"),
        (id, "ü"),
        (id, &"x".repeat(1_025)),
    ] {
        assert_eq!(receipt(id, pop).expect_err(id).kind(), ErrorKind::Malformed);
    }
    assert_eq!(split("no receipt"), None);
}

#[test]
fn debug_shows_no_text() {
    let shown = format!("{:?}", QueueMessage::new("1", "secret", UNIX_EPOCH));
    assert!(!shown.contains("secret"), "{shown}");
}

proptest! {
    #[test]
    fn any_message_survives_the_queue_and_a_host_that_decodes(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        text in any::<Option<String>>(),
        attributes in proptest::collection::btree_map("[A-Za-z][A-Za-z0-9_-]{0,63}", any::<String>(), 0..8),
        reason in any::<Option<String>>(),
        has_trace in any::<bool>(),
    ) {
        let mut message = OutMessage::new(text.map_or(body, String::into_bytes));
        message.attributes = attributes.into();
        message.envelope.set_reason(reason.as_deref());
        message.envelope.trace = has_trace.then(TraceContext::root);
        let wire = to_text(&message).expect("fits");
        prop_assert!(wire.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
        for text in [wire.clone(), by_a_host(&wire)] {
            let delivery = received(&text).expect("ours");
            prop_assert_eq!(&delivery.body, &message.body);
            prop_assert_eq!(&delivery.attributes, &message.attributes);
            prop_assert_eq!(&delivery.envelope, &message.envelope);
        }
    }

    #[test]
    fn nothing_that_comes_makes_it_panic(text in any::<String>(), line in "[{}\\[\\]\":,a-z0-9\\\\]{0,60}", body in any::<String>()) {
        let _ = received(&text);
        for payload in [format!("skyport1:{text}"), format!("skyport1:{line}\n{body}"), format!("skyport1:{{{line}}}\n{body}")] {
            let _ = received(&payload);
            let _ = received(&written(&payload));
        }
        let _ = received(&format!("{LITERAL_ENCODED}{text}"));
        let _ = split(&text);
    }
}
