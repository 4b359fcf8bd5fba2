//! What the listener does with a message.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use skyport_functions_host::{QueueMessage, QueueSource, Queues, Result};
use tokio::sync::watch;

use crate::handler::{Answer, DONE, Script, listening, listening_to};

const FAILED: Answer = (500, Some("application/json"), "{}");

/// A queue that gives one message once.
#[derive(Clone, Debug)]
struct One {
    message: Arc<Mutex<Option<QueueMessage>>>,
    steps: watch::Sender<Vec<String>>,
    /// Whether it is no longer the host's when that comes to settle it.
    lost: bool,
}

impl One {
    fn of(text: &str, dequeue_count: u64) -> Self {
        let mut message = QueueMessage::new("id-1", "pop-1", text);
        message.dequeue_count = dequeue_count;
        Self { message: Arc::new(Mutex::new(Some(message))), steps: watch::Sender::default(), lost: false }
    }

    async fn steps(&self, count: usize) -> Vec<String> {
        let mut steps = self.steps.subscribe();
        let enough = steps.wait_for(|steps| steps.len() >= count);
        tokio::time::timeout(Duration::from_secs(5), enough)
            .await
            .expect("in time")
            .expect("it lives")
            .clone()
    }

    fn note(&self, step: String) {
        self.steps.send_modify(|steps| steps.push(step));
    }
}

impl Queues for One {
    fn open(&self, queue: &str, connection: &str) -> Result<Arc<dyn QueueSource>> {
        assert!(queue.starts_with("jobs") && connection == "Data");
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl QueueSource for One {
    async fn receive(&self, most: usize, _: Duration) -> Result<Vec<QueueMessage>> {
        assert_eq!(most, 16);
        let message = self.message.lock().expect("no panic").take();
        if message.is_none() {
            std::future::pending::<()>().await;
        }
        Ok(message.into_iter().collect())
    }

    async fn hide(&self, message: &QueueMessage, visibility: Duration) -> Result<Option<String>> {
        self.note(format!("hidden {visibility:?} by {}", message.pop_receipt));
        Ok((!self.lost).then(|| "pop-2".to_owned()))
    }

    async fn delete(&self, message: &QueueMessage) -> Result<bool> {
        self.note(format!("deleted by {}", message.pop_receipt));
        Ok(!self.lost)
    }

    async fn copy_to_poison(&self, message: &QueueMessage) -> Result<()> {
        self.note(format!("poisoned {}", message.text));
        Ok(())
    }
}

#[tokio::test]
async fn success_deletes_a_message() {
    let (script, queue) = (Script::new([("/job", DONE)]), One::of("hello", 1));
    let host = listening(&script, &json!({}), queue.clone(), 600_000).await;
    assert_eq!(queue.steps(1).await, ["deleted by pop-1"]);
    let asked = &script.asked()[0];
    assert_eq!(asked.line, "POST /job");
    assert_eq!((asked.header("transfer-encoding"), asked.header("content-length")), ("chunked", ""));
    assert_eq!(asked.header("content-type"), "application/json; charset=utf-8");
    assert!(asked.header("user-agent").starts_with("Azure-Functions-Host/4."));
    assert!(asked.header("traceparent").starts_with("00-") && asked.header("host").starts_with("127.0.0.1:"));
    assert_eq!(asked.json()["Data"], json!({"message": "\"hello\""}));
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn failure_gives_a_message_back_until_its_last_delivery() {
    let options = json!({"extensions": {"queues": {"messageEncoding": "none", "maxDequeueCount": 3, "visibilityTimeout": "00:00:07"}}});
    for (dequeue_count, calls, expected) in [
        (2, 1, &["hidden 7s by pop-1"][..]),
        (3, 1, &["poisoned hello", "deleted by pop-1"]),
        // The host had no time to do so before.
        (4, 0, &["poisoned hello", "deleted by pop-1"]),
    ] {
        let (script, queue) = (Script::new([("/job", FAILED)]), One::of("hello", dequeue_count));
        let host = listening(&script, &options, queue.clone(), 600_000).await;
        assert_eq!(queue.steps(expected.len()).await, expected);
        assert_eq!(script.asked().len(), calls);
        host.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn what_fails_in_a_queue_of_poisoned_messages_stays_there_until_its_lease_is_over() {
    for (dequeue_count, calls) in [(1, 1), (5, 1), (6, 0)] {
        let (script, queue) = (Script::new([("/job", FAILED)]), One::of("hello", dequeue_count));
        let host = listening_to("jobs-poison", &script, &json!({}), queue.clone(), 600_000).await;
        while queue.message.lock().expect("no panic").is_some() {
            tokio::task::yield_now().await;
        }
        host.stop().await.expect("it stops");
        assert_eq!((script.asked().len(), queue.steps(0).await), (calls, Vec::new()));
    }
}

#[tokio::test]
async fn a_message_that_its_function_settled_is_not_missed() {
    for answer in [DONE, FAILED] {
        let (script, mut queue) = (Script::new([("/job", answer)]), One::of("hello", 1));
        queue.lost = true;
        let host = listening(&script, &json!({}), queue.clone(), 600_000).await;
        assert_eq!(queue.steps(1).await.len(), 1);
        host.stop().await.expect("it stops");
        assert_eq!(host.calls().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_ends_nothing_leaves_a_message_leased_until_the_functions_time_is_over() {
    let (script, queue) =
        (Script::new([("/job", (200, Some("application/json"), "null"))]), One::of("hello", 1));
    let host = listening(&script, &json!({"functionTimeout": "00:00:01"}), queue.clone(), 600).await;
    let mut steps = queue.steps.subscribe();
    let given_back = steps.wait_for(|steps| steps.iter().any(|step| step.starts_with("hidden 0ns")));
    let steps = tokio::time::timeout(Duration::from_secs(5), given_back)
        .await
        .expect("in time")
        .expect("it lives")
        .clone();
    // Its lease is renewed meanwhile, which gives it another receipt.
    assert_eq!(
        (steps[0].as_str(), steps[steps.len() - 1].as_str()),
        ("hidden 600ms by pop-1", "hidden 0ns by pop-2")
    );
    host.stop().await.expect("it stops");
    let ended: Vec<bool> = host.calls().iter().map(|call| call.ended.is_some()).collect();
    assert_eq!(ended, [false, true]);
}

#[tokio::test]
async fn a_text_in_base64_is_decoded_or_poisoned() {
    let options = json!({"extensions": {"queues": {}}});
    let (script, queue) = (Script::new([("/job", DONE)]), One::of("aGVsbG8=", 1));
    let host = listening(&script, &options, queue.clone(), 600_000).await;
    assert_eq!(queue.steps(1).await, ["deleted by pop-1"]);
    assert_eq!(script.asked()[0].json()["Data"]["message"], "\"hello\"");
    host.stop().await.expect("it stops");
    let (script, queue) = (Script::new([("/job", DONE)]), One::of("no base64", 1));
    let host = listening(&script, &options, queue.clone(), 600_000).await;
    assert_eq!(queue.steps(2).await, ["poisoned no base64", "deleted by pop-1"]);
    assert!(script.asked().is_empty());
    host.stop().await.expect("it stops");
}
