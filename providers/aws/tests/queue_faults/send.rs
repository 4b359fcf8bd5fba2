//! Sending, when it goes wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use skyport_core::ErrorKind;
use skyport_core::queue::port::OutMessage;

use super::stub::{Call, Reply, Sqs, obliging, partly, url_of};
use super::{bodies, grouped, kinds, retried};

const MEBIBYTE: usize = 1 << 20;

fn texts(call: &Call) -> Vec<String> {
    let text = |message: &serde_json::Value| message["MessageBody"].as_str().unwrap_or_default().to_owned();
    match call.action.as_str() {
        "SendMessage" => vec![text(&call.input)],
        _ => call.entries().iter().map(text).collect(),
    }
}

/// The bodies of each request that sends.
fn requests(sqs: &Sqs) -> Vec<Vec<String>> {
    let batches = sqs.calls("SendMessageBatch").into_iter();
    let lone = sqs.calls("SendMessage").into_iter();
    batches.chain(lone).map(|call| texts(&call)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_alone_is_one_request_and_the_queue_is_asked_for_once() {
    let sqs = Sqs::scripted(obliging);
    let queue = sqs.queue();
    for _ in 0..3 {
        assert_eq!(queue.send(bodies(["x"])).await[0].as_ref().expect("sent"), "id of x");
    }
    assert_eq!(sqs.calls("GetQueueUrl").len(), 1);
    assert_eq!(sqs.actions(), ["SendMessage"; 3]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_fails_is_named_and_it_alone_is_repeated() {
    let sqs = Sqs::scripted(|call| {
        let failing = |entry: &serde_json::Value| match entry["MessageBody"].as_str() {
            Some("slow") => Some("RequestThrottled"),
            Some("broken") => Some("InternalError"),
            Some("never") => Some("InvalidMessageContents"),
            _ => None,
        };
        match call.action.as_str() {
            "SendMessageBatch" if call.entries().len() == 4 => partly(call, failing),
            _ => obliging(call),
        }
    });
    let all = ["slow", "fine", "never", "broken"];
    let once = sqs.queue().send(bodies(all)).await;
    let invalid = Some(ErrorKind::InvalidArgument);
    assert_eq!(kinds(&once), [Some(ErrorKind::Throttled), None, invalid, Some(ErrorKind::Unavailable)]);
    let results = retried(sqs.queue()).send(bodies(all)).await;
    assert_eq!(kinds(&results), [None, None, invalid, None]);
    assert_eq!(results[3].as_ref().expect("sent"), "id of broken");
    assert_eq!(requests(&sqs)[1..], [all.map(String::from).to_vec(), vec!["slow".into(), "broken".into()]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_cut_at_ten_entries_and_at_the_total_size() {
    let sqs = Sqs::scripted(obliging);
    let queue = sqs.queue();
    let small = (0..25).map(|n| OutMessage::new(n.to_string())).collect();
    assert!(queue.send(small).await.iter().all(Result::is_ok));
    let mut sizes: Vec<usize> = requests(&sqs).iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    // Three times 350,000 bytes are over a mebibyte by their attributes alone.
    let sqs = Sqs::scripted(obliging);
    let large = |n: u8| {
        let mut message = OutMessage::new(vec![b'a' + n; (MEBIBYTE - 600) / 3]);
        message.attributes.insert("a".repeat(64), "v".repeat(256));
        message
    };
    let results = sqs.queue().send((0..3).map(large).collect()).await;
    let ids: Vec<&str> = results.iter().map(|id| &id.as_ref().expect("sent")[..7]).collect();
    assert_eq!(ids, ["id of a", "id of b", "id of c"]);
    assert_eq!(requests(&sqs).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_slower_pace_and_a_service_that_is_down_are_waited_for() {
    for (status, code, kind) in [
        (400, "RequestThrottled", ErrorKind::Throttled),
        (400, "ThrottlingException", ErrorKind::Throttled),
        (403, "RequestThrottled", ErrorKind::Throttled),
        (500, "InternalFailure", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (502, "", ErrorKind::Unavailable),
    ] {
        let asked = AtomicU32::new(0);
        let sqs = Sqs::scripted(move |call| match call.action.as_str() {
            "SendMessage" if asked.fetch_add(1, Ordering::SeqCst) % 3 < 2 => Reply::Refused(status, code),
            _ => obliging(call),
        });
        let queue = sqs.queue();
        let first = queue.send(bodies(["x"])).await;
        assert_eq!(kinds(&first), [Some(kind)], "{code}");
        // One more that fails, and one that does not.
        assert_eq!(kinds(&retried(queue).send(bodies(["x"])).await), [None], "{code}");
        assert_eq!(sqs.calls("SendMessage").len(), 3);
    }
}

/// A FIFO queue that remembers dedupe ids, and whose first answer to a send is lost.
fn forgetful() -> (Sqs, std::sync::Arc<std::sync::Mutex<HashMap<String, String>>>) {
    let held = std::sync::Arc::new(std::sync::Mutex::new(HashMap::new()));
    let (kept, mut lost) = (held.clone(), false);
    let sqs = Sqs::scripted(move |call| {
        let entries = if call.action == "SendMessage" { vec![call.input.clone()] } else { call.entries() };
        for entry in entries {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            kept.lock().unwrap().entry(text("MessageDeduplicationId")).or_insert(text("MessageBody"));
        }
        if call.action.starts_with("SendMessage") && !std::mem::replace(&mut lost, true) {
            return Reply::Reset;
        }
        obliging(call)
    });
    (sqs, held)
}

#[tokio::test(start_paused = true)]
async fn a_send_whose_answer_is_lost_is_no_second_message_on_an_ordered_queue() {
    for many in [false, true] {
        let (sqs, held) = forgetful();
        let mut messages = vec![OutMessage::new("alone")];
        if many {
            messages.extend([grouped("a", "a"), grouped("b", "b")]);
        }
        let count = messages.len();
        let results = retried(sqs.ordered()).send(messages).await;
        assert_eq!(kinds(&results), vec![None; count]);
        let held: HashMap<_, _> = held.lock().unwrap().drain().filter(|(id, _)| !id.is_empty()).collect();
        assert_eq!(held.len(), count, "{held:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_dedupe_id_is_what_is_sent() {
    let sqs = Sqs::scripted(obliging);
    let mut message = grouped("x", "orders");
    message.dedupe_id = Some("order-1".to_owned());
    assert_eq!(kinds(&sqs.ordered().send(vec![message]).await), [None]);
    let sent = &sqs.calls("SendMessage")[0];
    assert_eq!((sent.queue(), &sent.input["MessageDeduplicationId"]), ("jobs.fifo", &json!("order-1")));
    assert_eq!(sent.input["MessageGroupId"], json!("orders"));
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_never_answered_may_have_been_sent() {
    let sqs = Sqs::scripted(|call| if call.action == "GetQueueUrl" { url_of(call) } else { Reply::Reset });
    for message in [bodies(["x"]), bodies(["x", "y"])] {
        for result in retried(sqs.queue()).send(message).await {
            let error = result.expect_err("no answer");
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.is_ambiguous(), "{error}");
        }
    }
    let sqs = Sqs::scripted(|_| Reply::NoConnection);
    let error = sqs.queue().send(bodies(["x"])).await.remove(0).expect_err("no connection");
    assert!(error.is_retryable() && !error.is_ambiguous(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_never_overtaken_by_a_later_one_of_its_group() {
    let asked = AtomicU32::new(0);
    let sqs = Sqs::scripted(move |call| match call.action.as_str() {
        "SendMessageBatch" if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
            partly(call, |entry| (entry["MessageBody"] == "a1").then_some("InternalError"))
        }
        _ => obliging(call),
    });
    let messages = || vec![grouped("a1", "a"), grouped("b1", "b"), grouped("a2", "a"), grouped("a3", "a")];
    let results = retried(sqs.ordered()).send(messages()).await;
    assert_eq!(kinds(&results), [None; 4]);
    let all: Vec<Vec<String>> = requests(&sqs);
    assert_eq!(all, [vec!["a1", "b1"], vec!["a1"], vec!["a2"], vec!["a3"]]);
}

#[tokio::test(start_paused = true)]
async fn behind_a_message_that_is_refused_for_good_its_group_goes_on() {
    let sqs = Sqs::scripted(|call| match call.action.as_str() {
        "SendMessage" if call.input["MessageBody"] == "a1" => Reply::Refused(400, "InvalidMessageContents"),
        _ => obliging(call),
    });
    let results = sqs.ordered().send(vec![grouped("a1", "a"), grouped("a2", "a")]).await;
    assert_eq!(kinds(&results), [Some(ErrorKind::InvalidArgument), None]);
    // But not where none of them would be taken.
    let sqs = Sqs::scripted(|call| match call.action.as_str() {
        "SendMessage" => Reply::Refused(403, "AccessDeniedException"),
        _ => obliging(call),
    });
    let results = sqs.ordered().send(vec![grouped("a1", "a"), grouped("a2", "a")]).await;
    assert_eq!(kinds(&results), [Some(ErrorKind::PermissionDenied); 2]);
    assert_eq!(sqs.calls("SendMessage").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_xml_has_not_travels_encoded_and_delays_are_rounded_up() {
    let sqs = Sqs::scripted(obliging);
    let mut message = OutMessage::new(&b"\xff"[..]);
    message.delay = Some(Duration::from_millis(1001));
    let attributes = [("empty", ""), ("plain", "ü"), ("nul", "\0")];
    message.attributes = attributes.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    assert_eq!(kinds(&sqs.queue().send(vec![message]).await), [None]);
    let sent = &sqs.calls("SendMessage")[0].input;
    assert_eq!((&sent["MessageBody"], &sent["DelaySeconds"]), (&json!("/w=="), &json!(2)));
    let attribute = |name: &str| {
        let value = &sent["MessageAttributes"][name];
        format!("{} {}", value["DataType"].as_str().unwrap(), value["StringValue"].as_str().unwrap())
    };
    assert_eq!(attribute("empty"), "String.empty -");
    assert_eq!(attribute("plain"), "String ü");
    assert_eq!(attribute("nul"), "String.b64 AA==");
    assert_eq!(attribute("skyport"), r#"String {"e":"b64"}"#);
}
