//! What others wrote into a queue, through the XML in which it comes.

use skyport_core::queue::port::Verdict;

use crate::stub::{Call, calls, dead, list, message, one, payload_of, queue, settle, text_of};

/// The body of a foreign message whose text stands so in the XML.
async fn read(text: &'static str) -> String {
    let (queue, _) =
        queue(move |call, _, _| (call == Call::Take).then(|| list(&[message(1, 1, text)]))).await;
    let delivery = one(&queue).await;
    assert!(delivery.envelope.is_empty() && delivery.attributes.is_empty());
    String::from_utf8(delivery.body.to_vec()).expect("text")
}

#[tokio::test]
async fn a_foreign_text_comes_as_it_stands() {
    for (xml, text) in [
        ("{\"a\":1}", "{\"a\":1}"),
        ("&lt;b&gt; &amp; &quot;&apos;", "<b> & \"'"),
        ("gr\u{fc}\u{df}e \u{1f600}", "gr\u{fc}\u{df}e \u{1f600}"),
        ("&#xFC;&#10;", "\u{fc}\n"),
        ("aGVsbG8=", "aGVsbG8="),
        ("<![CDATA[<raw>]]>", "<raw>"),
        ("", ""),
        ("a  b\n c", "a  b\n c"),
        (" spaced ", " spaced "),
        ("a&#13;&#10;", "a\r\n"),
    ] {
        assert_eq!(read(xml).await, text, "{xml}");
    }
}

#[tokio::test]
async fn a_foreign_message_dies_with_its_body_as_it_came_and_its_reason() {
    let (queue, log) =
        queue(|call, _, _| (call == Call::Take).then(|| list(&[message(1, 1, "{&quot;a&quot;:1}")]))).await;
    let delivery = one(&queue).await;
    settle(&queue, &delivery, dead(&delivery, "no picture")).await.expect("moved");
    let letter = payload_of(&text_of(&calls(&log, Call::Put, "jobs-poison")[0]));
    assert_eq!(letter, "skyport1:{\"envelope\":{\"r\":\"no picture\"}}\n{\"a\":1}");
}

#[tokio::test]
async fn a_foreign_message_that_fills_its_room_dies_as_it_came() {
    let text = "x".repeat(64 << 10);
    let whole = text.clone();
    let (queue, log) =
        queue(move |call, _, _| (call == Call::Take).then(|| list(&[message(1, 1, &text)]))).await;
    let delivery = one(&queue).await;
    settle(&queue, &delivery, dead(&delivery, "no picture")).await.expect("moved");
    assert_eq!(text_of(&calls(&log, Call::Put, "jobs-poison")[0]), whole);
    assert!(settle(&queue, &delivery, Verdict::Ack).await.is_err(), "it is gone");
}
