//! Events of Lambda.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use skyport_core::clock::to_millis;
use skyport_lambda::LambdaConfig;
use skyport_lambda::fuzzing::{Answered, answer};

use crate::bench::Stage;
use crate::{sound, worlds};

/// Lambda takes no more.
const LONGEST: usize = 6 << 20;

/// Each event is answered, with JSON or with a reason in one line, whether responses are streamed or not.
pub(super) fn event(input: &[u8]) {
    for streaming in [false, true] {
        match worlds::paused(answered(input, streaming)) {
            Answered::Whole(json) => {
                assert!(json.len() <= LONGEST);
                serde_json::from_slice::<Value>(&json).expect("an answer is JSON");
            }
            Answered::Streamed(prelude, body) => {
                assert!(streaming);
                serde_json::from_slice::<Value>(&prelude).expect("a prelude is JSON");
                worlds::paused(body.collect(LONGEST)).expect("a short body");
            }
            Answered::Failed(why) => sound::line(&why),
        }
    }
}

async fn answered(input: &[u8], streaming: bool) -> Answered {
    let stage = Stage::set().await;
    let mut config = LambdaConfig::default();
    config.response_streaming = streaming;
    config.signals = false;
    config.queues = Some(Arc::new(stage.opener()));
    let deadline = to_millis(SystemTime::now() + Duration::from_secs(60));
    answer(Arc::clone(&stage.functions), config, deadline, input).await.expect("serves")
}
