//! Messages that the host hands over, and what becomes of them.

use skyport_azure_wire::message::to_text;
use skyport_memory::{Fault, Operation};

use super::*;

/// What the host tells of a message.
fn told(attempt: u32) -> Value {
    json!({
        "DequeueCount": attempt.to_string(),
        "ExpirationTime": "2026-12-03T13:03:16+00:00",
        "Id": twice("52d5"),
        "InsertionTime": "2026-11-26T13:03:16+00:00",
        "NextVisibleTime": "2026-11-26T13:13:16+00:00",
        "PopReceipt": twice("AgAAAA+/="),
        "sys": {"MethodName": "job", "UtcNow": "2026-11-26T13:03:17.0123456Z"},
    })
}

fn message(text: &str, attempt: u32) -> Request {
    call("job", &twice(text), &told(attempt))
}

/// A message of Skyport's, as it stands in the queue.
fn ours(body: &str) -> String {
    let mut message = OutMessage::new(body.to_owned());
    message.attributes = [("tenant".to_owned(), "a7".to_owned())]
        .into_iter()
        .collect::<std::collections::BTreeMap<_, _>>()
        .into();
    to_text(&message).expect("fits")
}

#[tokio::test]
async fn a_message_finds_its_function_and_is_acknowledged_by_the_answer() {
    let stage = Stage::set().await;
    for (text, noted) in [
        ("hello".to_owned(), "hello#2"),
        (ours("ours"), "ours#2tenant=a7"),
        ("\"quoted\"".to_owned(), "\"quoted\"#2"),
        ("{\"a\":1}".to_owned(), "{\"a\":1}#2"),
        (String::new(), "#2"),
    ] {
        let (status, answer) = stage.answer(message(&text, 2)).await;
        assert_eq!((status, answer), (200, json!({"Outputs": {}, "Logs": [], "ReturnValue": null})));
        assert_eq!(stage.bench.calls(), [noted]);
    }
    // As the documents show it.
    assert_eq!(stage.status(call("job", &json!("hello"), &json!({"DequeueCount": 1}))).await, 200);
    assert_eq!(stage.bench.calls(), ["hello#1"]);
    assert!(stage.ends.told().is_empty(), "the host deletes what is done");
}

#[tokio::test]
async fn a_handler_sees_the_hosts_id_its_trace_and_its_time() {
    let stage = Stage::set().await;
    assert_eq!(stage.status(message("context", 1)).await, 200);
    let trace = "1".repeat(32);
    assert_eq!(stage.bench.calls(), ["context#1", &format!("{ID} job 1794 {trace} 52d5")]);
}

#[tokio::test]
async fn a_failure_is_given_back_after_its_own_pause_and_answered_as_one() {
    let stage = Stage::set().await;
    assert_eq!(stage.status(message("later", 1)).await, 500);
    assert_eq!(stage.ends.told(), ["52d5:AgAAAA+/= retry 77"]);
    assert_eq!(stage.status(message("fail", 4)).await, 500);
    let ends = stage.ends.told();
    let pause: u64 =
        ends[0].strip_prefix("52d5:AgAAAA+/= retry ").and_then(|pause| pause.parse().ok()).expect("a pause");
    assert!((4..=8).contains(&pause), "{pause}");
    assert!(stage.letters().await.is_empty());
}

#[tokio::test]
async fn where_the_host_has_renewed_the_lease_the_message_is_sent_anew_with_its_pause_and_its_count() {
    let stage = Stage::set().await;
    stage.ends.refuse(Some(ErrorKind::PreconditionFailed));
    assert_eq!(stage.status(message("later", 2)).await, 200, "the host deletes the old one");
    assert_eq!(stage.ends.told(), ["52d5:AgAAAA+/= retry 77", "sent anew after 2, in 77"]);
    // One that cannot be sent is the host's to give back.
    stage.memory.faults().inject(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable));
    assert_eq!(stage.status(message("later", 1)).await, 500);
    // Of one of which it is not known whether it was given back no second is made.
    stage.ends.refuse(Some(ErrorKind::Unavailable));
    stage.ends.told();
    assert_eq!(stage.status(message("later", 1)).await, 500);
    assert_eq!(stage.ends.told(), ["52d5:AgAAAA+/= retry 77"]);
}

#[tokio::test]
async fn a_message_that_was_sent_anew_is_counted_on_until_its_attempts_are_spent() {
    let stage = Stage::set().await;
    let mut anew = OutMessage::new("fail");
    anew.envelope.set_attempts_before(3);
    let text = to_text(&anew).expect("fits");
    assert_eq!(stage.status(message(&text, 1)).await, 500);
    assert_eq!(stage.status(message(&text, 2)).await, 200);
    assert_eq!(stage.bench.calls(), ["fail#4", "fail#5"]);
    assert_eq!(stage.letters().await, [("fail".to_owned(), "attempts".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_takes_no_longer_than_the_host_waits() {
    for (call, calls) in [("adopt", 0), ("settle", 1), ("send", 1)] {
        let stage = Stage::set().await;
        let begun = Instant::now();
        stage.ends.hang(call);
        stage.ends.refuse((call == "send").then_some(ErrorKind::PreconditionFailed));
        assert_eq!(stage.status(message("later", 1)).await, 500, "{call}");
        assert_eq!(stage.bench.calls().len(), calls, "{call}");
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(30 * 60) && taken > Duration::from_secs(29 * 60), "{taken:?}");
    }
}

#[tokio::test]
async fn spent_attempts_and_failures_for_good_are_dead_letters_and_then_acknowledged() {
    let stage = Stage::set().await;
    assert_eq!(stage.status(message(&ours("fail"), 5)).await, 200);
    assert_eq!(stage.letters().await, [("fail".to_owned(), "attempts".to_owned())]);
    assert_eq!(stage.status(message(&ours("fatal"), 1)).await, 200);
    let letters = stage.letters().await;
    assert_eq!(letters.last().expect("there"), &("fatal".to_owned(), "never".to_owned()));
    assert!(stage.ends.told().is_empty(), "the host deletes it by the receipt that it holds now");
}

#[tokio::test]
async fn what_cannot_be_decoded_is_a_dead_letter_and_calls_nobody() {
    let stage = Stage::set().await;
    for text in ["c2t5cG9ydDE6", "skyport1:{\n", "c2t5cG9ydDE6!!!"] {
        assert_eq!(stage.status(message(text, 1)).await, 200, "{text}");
        let letters = stage.letters().await;
        assert!(
            letters.iter().any(|(body, reason)| body == text && reason.contains("skyport1:")),
            "{letters:?}"
        );
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_to_the_dead_letters_is_left_to_the_host() {
    let stage = Stage::set().await;
    stage.memory.faults().inject(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable));
    assert_eq!(stage.status(message("fatal", 1)).await, 500);
    assert_eq!(stage.status(message("fail", 5)).await, 500);
    assert!(stage.ends.told().is_empty());
}

#[tokio::test]
async fn a_message_that_writes_its_own_metadata_settles_nothing_and_is_counted_from_its_first_failure_on() {
    let stage = Stage::set().await;
    for (text, count) in [
        (json!({"DequeueCount": 99, "do": "fail"}), "99"),
        (json!({"dequeuecount": 99, "Id": "other", "PopReceipt": "x", "do": "fail"}), "99"),
    ] {
        let mut metadata = told(1);
        metadata["DequeueCount"] = json!(count);
        assert_eq!(stage.status(call("job", &twice(&text.to_string()), &metadata)).await, 200);
    }
    let ends = stage.ends.told();
    assert!(ends.len() == 2 && ends.iter().all(|end| end.starts_with("sent anew after 1, in ")), "{ends:?}");
    // What it cannot write is believed: its id is not, its count is.
    let text = json!({"id": 7, "do": "later"}).to_string();
    assert_eq!(stage.status(call("job", &twice(&text), &told(1))).await, 200);
    assert_eq!(stage.ends.told(), ["sent anew after 1, in 77"]);
    assert!(stage.letters().await.is_empty());
    assert!(stage.bench.calls().iter().all(|call| call.ends_with("#1")));
}

#[tokio::test]
async fn a_panic_is_a_failure_and_a_batch_handler_gets_batches_of_one() {
    let stage = Stage::set().await;
    assert_eq!(stage.status(message("panic", 1)).await, 500);
    assert_eq!(stage.status(call("many", &twice("one"), &told(1))).await, 200);
    assert_eq!(stage.bench.calls(), ["panic#1", "one"]);
}

#[tokio::test]
async fn a_body_that_a_layer_keeps_in_a_bucket_is_fetched_and_ended_with_its_message() {
    let stage = Stage::set().await;
    stage.bench.jobs.send(&"long".repeat(1_000)).await.expect("sent");
    let queue =
        stage.memory.queue(&ResourceUrl::new("memory", "jobs"), &QueueSettings::default()).expect("opened");
    let options = ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(30));
    let claim = queue.receive(options).await.expect("received").remove(0);
    assert!(claim.body.len() < 1_000);
    let text = to_text(&claim.to_message()).expect("fits");
    assert_eq!(stage.status(message(&text, 1)).await, 200);
    assert_eq!(stage.bench.calls(), ["longlongl#1"]);
    assert_eq!(stage.ends.told(), ["52d5:AgAAAA+/= ack"]);
}
