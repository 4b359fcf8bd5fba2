//! Messages of Pub/Sub, and what becomes of them.

use skyport_core::ErrorKind;
use skyport_core::clock::to_millis;
use skyport_memory::{Fault, Operation};

use super::*;

/// An envelope that holds its message back until `left` from now, by the clock of the fakes.
fn held(stage: &Stage, left: Duration) -> Value {
    let until = stage.bench.jobs.port().info().clock.now() + left;
    json!({"skyport": json!({"n": to_millis(until)}).to_string()})
}

/// A push that was sent just now.
fn fresh(body: &str, attempt: u32, attributes: &Value) -> Request {
    let mut push = wrapped("jobs", body, attempt, attributes);
    // Of which no time is told was sent when it came.
    push["message"]["publishTime"] = Value::Null;
    post("/", &push)
}

#[tokio::test]
async fn a_message_finds_its_function_by_every_route() {
    let stage = Stage::set(|_| {}).await;
    let attributes = json!({"color": "blue"});
    let plain = wrapped("jobs", "hello", 2, &attributes);
    assert_eq!(stage.status(post("/", &plain)).await, 204);
    assert_eq!(stage.status(post("/any/path", &plain)).await, 204);
    let unwrapped = [
        ("x-goog-pubsub-subscription-name", "projects/p/subscriptions/jobs"),
        ("x-goog-pubsub-message-id", "17"),
        ("x-goog-pubsub-delivery-attempt", "2"),
        ("content-type", "text/plain"),
        ("color", "blue"),
    ];
    assert_eq!(stage.status(request("/", &unwrapped, "hello")).await, 204);
    // Through Eventarc: by a subscription of the application's, and by one of its own, of which the topic tells.
    let mut eventarcs = plain.clone();
    eventarcs["subscription"] = json!("projects/p/subscriptions/eventarc-eu-jobs-sub-1");
    for (data, source) in [(&plain, "topics/other"), (&eventarcs, "topics/jobs")] {
        let source = format!("//pubsub.googleapis.com/projects/p/{source}");
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-type", "google.cloud.pubsub.topic.v1.messagePublished"),
            ("ce-source", source.as_str()),
            ("content-type", "application/json"),
        ];
        assert_eq!(stage.status(request("/", &headers, data.to_string())).await, 204);
    }
    assert_eq!(stage.bench.calls(), ["hello#2color=blue"; 5]);
}

#[tokio::test]
async fn a_failure_comes_again_until_its_attempts_are_spent() {
    let stage = Stage::set(|_| {}).await;
    assert_eq!(stage.status(push("jobs", "fail", 4)).await, 503);
    assert!(stage.letters(&stage.bench.jobs).await.is_empty());
    assert_eq!(stage.status(push("jobs", "fail", 5)).await, 204);
    assert_eq!(stage.letters(&stage.bench.jobs).await, [("fail".to_owned(), "attempts".to_owned())]);
    assert_eq!(stage.bench.calls(), ["fail#4", "fail#5"]);
    // Where Pub/Sub does not count, it comes again until it expires.
    assert_eq!(stage.status(push("jobs", "fail", 0)).await, 503);
}

#[tokio::test]
async fn what_failed_for_good_is_a_dead_letter_with_its_reason_and_its_attributes() {
    let stage = Stage::set(|_| {}).await;
    let fatal = wrapped("jobs", "fatal", 1, &json!({"tenant": "a7"}));
    assert_eq!(stage.status(post("/", &fatal)).await, 204);
    let letters = stage.bench.jobs.dead_letters().expect("has some");
    let received = letters.receive(1, Duration::ZERO, Duration::from_secs(60)).await.expect("received");
    assert_eq!((received[0].value().expect("text").as_str(), received[0].reason()), ("fatal", Some("never")));
    assert_eq!(received[0].attributes()["tenant"], "a7");
}

#[tokio::test]
async fn a_letter_that_cannot_be_sent_leaves_the_message_where_it_is() {
    let stage = Stage::set(|_| {}).await;
    stage.memory.faults().inject(Operation::QueueSend, Fault::refuse(ErrorKind::Unavailable));
    assert_eq!(stage.status(push("jobs", "fatal", 1)).await, 503);
    assert_eq!(stage.status(push("jobs", "fail", 5)).await, 503);
    stage.memory.faults().clear();
    assert!(stage.letters(&stage.bench.jobs).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_never_delivered_early() {
    let stage = Stage::set(|_| {}).await;
    let far = held(&stage, Duration::from_secs(600));
    assert_eq!(stage.status(fresh("held", 1, &far)).await, 503);
    assert_eq!(stage.status(fresh("held", 4, &far)).await, 503);
    assert!(stage.bench.calls().is_empty());
    // Its holds are not to be its end: it is sent anew before its attempts are spent.
    assert_eq!(stage.status(fresh("held", 5, &far)).await, 204);
    assert!(stage.bench.calls().is_empty() && stage.letters(&stage.bench.jobs).await.is_empty());
    let depth = stage.bench.jobs.depth().await.expect("told");
    assert_eq!((depth.delayed, depth.ready), (1, 0), "{depth:?}");
    tokio::time::sleep(Duration::from_secs(601)).await;
    let anew = stage.bench.jobs.receive(1, Duration::ZERO, Duration::from_secs(60)).await.expect("received");
    assert_eq!((anew[0].value().expect("text").as_str(), anew[0].attempt()), ("held", 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_time_is_near_waits_for_it() {
    let stage = Stage::set(|_| {}).await;
    let begun = tokio::time::Instant::now();
    let near = held(&stage, Duration::from_secs(3));
    assert_eq!(stage.status(fresh("held", 1, &near)).await, 204);
    assert_eq!(stage.bench.calls(), ["held#1"]);
    assert!(begun.elapsed() >= Duration::from_millis(2_990), "{:?}", begun.elapsed());
    // Not where the call has no time for it, and not once the process stops.
    let near = held(&stage, Duration::from_secs(3));
    let mut short = Invocation::default();
    short.deadline = Some(tokio::time::Instant::now() + Duration::from_secs(4));
    let answered = stage.front.intercept(fresh("held", 1, &near), &mut short).await;
    assert!(matches!(answered, Intercepted::Answered(response) if response.status() == 503));
    let mut stopping = Invocation::default();
    stopping.cancellation.trigger();
    let answered = stage.front.intercept(fresh("held", 1, &near), &mut stopping).await;
    assert!(matches!(answered, Intercepted::Answered(response) if response.status() == 503));
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_delay_that_nobody_can_have_asked_for_holds_nothing() {
    let stage = Stage::set(|_| {}).await;
    let absurd = held(&stage, Duration::from_secs(3_600));
    assert_eq!(stage.status(fresh("now", 1, &absurd)).await, 204);
    assert_eq!(stage.bench.calls(), ["now#1"]);
}

#[tokio::test]
async fn a_body_that_the_message_claims_is_fetched_and_one_that_is_gone_is_a_dead_letter() {
    let stage = Stage::set(|_| {}).await;
    let large = "x".repeat(2_000);
    stage.bench.jobs.send(&large).await.expect("sent");
    // As it is on the wire: beneath the layer that claims.
    let beneath =
        stage.memory.queue(&ResourceUrl::new("memory", "jobs"), &QueueSettings::default()).expect("opens");
    let options = skyport_core::queue::port::ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(60));
    let sent = beneath.receive(options).await.expect("received").remove(0);
    assert!(sent.body.is_empty());
    let claiming = json!({"skyport": sent.envelope.pack()});
    let pushed = post("/", &wrapped("jobs", "", 1, &claiming));
    assert_eq!(stage.status(pushed).await, 204);
    assert_eq!(stage.bench.calls(), ["xxxxxxxxx#1"]);
    let gone = json!({"skyport": json!({"c": format!("skyport-claims/{}", "0".repeat(32))}).to_string()});
    assert_eq!(stage.status(post("/", &wrapped("jobs", "", 1, &gone))).await, 204);
    let letters = stage.letters(&stage.bench.jobs).await;
    assert_eq!(letters[0].1, "claim missing");
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_batch_handler_gets_a_batch_of_one() {
    let stage = Stage::set(|_| {}).await;
    let mut push = wrapped("ordered", "one", 1, &json!({}));
    push["message"]["orderingKey"] = json!("a");
    assert_eq!(stage.status(post("/", &push)).await, 204);
    assert_eq!(stage.status(self::push("ordered", "fail", 1)).await, 503);
    assert_eq!(stage.status(self::push("ordered", "fatal", 1)).await, 204);
    assert_eq!(stage.bench.calls(), ["one", "fail", "fatal"]);
    assert_eq!(stage.letters(&stage.bench.ordered).await, [("fatal".to_owned(), "never".to_owned())]);
}

#[tokio::test]
async fn the_function_that_the_deployment_is_decides_before_the_subscription() {
    let stage = Stage::set(|config| config.function = Some("job".to_owned())).await;
    assert_eq!(stage.status(push("some-other-name", "hello", 1)).await, 204);
    assert_eq!(stage.bench.calls(), ["hello#1"]);
    let elsewhere = Stage::set(|config| config.function = Some("sweep".to_owned())).await;
    assert_eq!(elsewhere.status(push("jobs", "hello", 1)).await, 404);
    assert!(elsewhere.bench.calls().is_empty());
}

#[tokio::test]
async fn a_message_that_no_function_is_for_stays_in_its_subscription() {
    let stage = Stage::set(|_| {}).await;
    let (status, told) = stage.answer(push("nobodys", "hello", 1)).await;
    assert_eq!(status, 404);
    // Which functions there are is nothing for whoever asks.
    assert!(told.contains("its log") && !told.contains("sweep"), "{told}");
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn a_function_that_the_environment_names_and_nobody_has_is_an_error_at_the_start() {
    let (functions, _) = App::<()>::new("empty").bind(&Fakes(&Memory::new())).expect("binds");
    let config = CloudRunConfig { function: Some("nobody".to_owned()), ..CloudRunConfig::default() };
    let error = Front::new(Arc::new(functions), &config).expect_err("nobody").to_string();
    assert!(error.contains("FUNCTION_TARGET") && error.contains("`nobody`"), "{error}");
}
