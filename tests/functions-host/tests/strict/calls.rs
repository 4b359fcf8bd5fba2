//! Timers and events.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use skyport_functions_host::{BlobChanged, Function};

use crate::handler::{Answer, DONE, Script, folder, start};

fn timer() -> Value {
    json!([{"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 0 3 * * *"}])
}

fn event() -> Value {
    json!([{"name": "event", "type": "eventGridTrigger", "direction": "in"}])
}

#[tokio::test]
async fn a_timer_tells_its_schedule_and_the_hosts_clock() {
    let (script, folder) = (Script::new([("/nightly", DONE)]), folder(&json!({}), &[("nightly", timer())]));
    let host = start(&script, &folder, |_| {}).await;
    host.fire("nightly", UNIX_EPOCH + Duration::from_secs(1_795_489_200)).await.expect("it goes off");
    assert!(host.fire("nobody", UNIX_EPOCH).await.is_err());
    let payload = script.asked()[0].json();
    let status = json!({"Last": "0001-01-01T00:00:00", "Next": "2026-11-24T03:00:00+00:00", "LastUpdated": "0001-01-01T00:00:00"});
    assert_eq!(
        payload["Data"]["timer"],
        json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": false})
    );
    assert_eq!(payload["Metadata"]["sys"]["UtcNow"], "2026-11-24T03:00:00.0120000Z");
    host.fire_with("nightly", UNIX_EPOCH, Value::Null, true).await.expect("it goes off");
    let payload = script.asked()[1].json();
    assert_eq!(
        (&payload["Data"]["timer"]["ScheduleStatus"], &payload["Data"]["timer"]["IsPastDue"]),
        (&Value::Null, &json!(true))
    );
    host.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_timer_that_fails_is_repeated_as_often_as_its_function_says() {
    const FAILED: Answer = (500, Some("application/json"), "{}");
    let retry = json!({"strategy": "exponentialBackoff", "maxRetryCount": 2, "minimumInterval": "00:00:05", "maximumInterval": "00:00:08"});
    for (answer, calls) in [(DONE, 1), (FAILED, 3)] {
        let (script, whole) =
            (Script::new([("/nightly", answer)]), json!({"bindings": timer(), "retry": retry}));
        let folder = folder(&json!({}), &[("nightly", whole)]);
        let host = start(&script, &folder, |options| options.longest_pause = Duration::from_millis(1)).await;
        let fired = host.fire("nightly", UNIX_EPOCH + Duration::from_secs(1_795_489_200)).await;
        assert_eq!((fired.is_ok(), script.asked().len()), (calls == 1, calls));
        assert!(script.asked().iter().all(|asked| asked.json()["Metadata"].get("RetryContext").is_none()));
        host.stop().await.expect("it stops");
    }
    let event = Function::parse("f", &json!({"bindings": event(), "retry": retry}));
    assert!(event.expect_err("not for events").to_string().contains("only timers"));
}

#[tokio::test]
async fn an_event_comes_as_a_text_or_as_an_object() {
    let changed = BlobChanged::new("account", "photos", "a");
    for objects in [false, true] {
        let (script, folder) =
            (Script::new([("/on-blob", DONE)]), folder(&json!({}), &[("on-blob", event())]));
        let host = start(&script, &folder, |options| options.event_objects = objects).await;
        host.event("on-blob", &changed.event()).await.expect("it is handed over");
        let data = script.asked()[0].json()["Data"]["event"].clone();
        let read = if objects {
            data
        } else {
            let text: String = serde_json::from_str(data.as_str().expect("a text")).expect("JSON in it");
            serde_json::from_str(&text).expect("JSON once more")
        };
        assert_eq!(read, changed.event());
        host.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn an_answer_that_the_host_would_not_take_fails_the_call() {
    for answer in [
        (302, Some("application/json"), "{}"),
        (200, Some("text/plain"), "{}"),
        (200, None, "{}"),
        (200, Some("application/json"), "[]"),
        (503, Some("application/json"), "{}"),
    ] {
        let (script, folder) =
            (Script::new([("/on-blob", answer)]), folder(&json!({}), &[("on-blob", event())]));
        let host = start(&script, &folder, |_| {}).await;
        assert!(host.event("on-blob", &json!({})).await.is_err(), "{answer:?}");
        assert!(matches!(&host.calls()[..], [call] if matches!(&call.ended, Some(Err(_)))));
        host.stop().await.expect("it stops");
    }
}
