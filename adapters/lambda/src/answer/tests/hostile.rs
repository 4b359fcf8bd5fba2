//! Events that nobody should send.

use super::*;

const SAMPLES: &str = include_str!("../../../tests/samples/events.jsonl");

/// What stands in the place of something else.
const ODD: [&str; 9] = ["null", "true", "-1", "1e300", "\"\"", "\"\\u0000%zz\"", "[]", "{}", "[[{}]]"];

/// Replaces one node of the event, any one, with something odd, or removes it.
fn damage(value: &mut Value, random: &mut fastrand::Rng) {
    let deeper = random.u8(..) < 200;
    match value {
        Value::Object(map) if deeper && !map.is_empty() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = &keys[random.usize(..keys.len())];
            if random.u8(..) < 20 {
                map.remove(key);
            } else if let Some(inner) = map.get_mut(key) {
                damage(inner, random);
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let index = random.usize(..items.len());
            damage(&mut items[index], random);
        }
        other => *other = serde_json::from_str(ODD[random.usize(..ODD.len())]).expect("JSON"),
    }
}

#[tokio::test]
async fn no_damage_to_any_sample_panics_and_each_is_answered() {
    let stage = Stage::set(|_| {}).await;
    let mut random = fastrand::Rng::with_seed(7);
    for line in SAMPLES.lines() {
        let (_, _, event): (String, String, Value) = serde_json::from_str(line).expect("a sample");
        for _ in 0..40 {
            let mut event = event.clone();
            for _ in 0..random.u8(1..4) {
                damage(&mut event, &mut random);
            }
            stage.answer(event).await;
        }
    }
    stage.bench.calls();
}

#[tokio::test]
async fn what_is_no_event_at_all_is_an_error_and_no_more() {
    let stage = Stage::set(|_| {}).await;
    let deep = "[".repeat(100_000);
    for payload in [&b""[..], b"\xff", b"{", b"nul", deep.as_bytes()] {
        let answered = answer(&stage.served, &Context::default(), payload).await;
        assert!(matches!(answered, Answer::Failed(_)), "{answered:?}");
    }
}
