//! Whose pushes and events are taken.

use super::*;
use crate::config::PushIdentity;

fn guarded(config: &mut CloudRunConfig) {
    config.push = Some(PushIdentity::new("https://bench.run.app"));
}

#[cfg(not(feature = "oidc"))]
#[tokio::test]
async fn a_check_that_was_not_built_in_is_an_error_at_the_start_that_names_the_feature() {
    let (functions, _) = App::<()>::new("empty").bind(&Fakes(&Memory::new())).expect("binds");
    let mut config = CloudRunConfig::default();
    guarded(&mut config);
    let error = Front::new(Arc::new(functions), &config).expect_err("not built in");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`oidc`"), "{error}");
}

#[cfg(feature = "oidc")]
#[tokio::test]
async fn every_event_needs_a_token_and_no_request_does() {
    let stage = Stage::set(guarded).await;
    let unread = || {
        let stream =
            futures_util::stream::once(async { Err::<Bytes, _>(Error::internal("somebody read it")) });
        Body::from_stream(stream)
    };
    let event = ("ce-type", "google.cloud.storage.object.v1.finalized");
    for headers in [
        vec![("content-type", "application/cloudevents+json")],
        vec![("content-type", "application/cloudevents-batch+json")],
        vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), event],
        vec![("x-goog-pubsub-message-id", "1")],
        vec![("content-type", "application/json")],
        vec![("x-cloudscheduler-jobname", "sweep")],
    ] {
        // Not even their bodies are read.
        assert_eq!(stage.status(request("/", &headers, unread())).await, 401, "{headers:?}");
    }
    // Where the application has a route it is checked as soon as it is known to be an event.
    let tick =
        [("x-cloudscheduler-jobname", "sweep"), ("x-cloudscheduler-scheduletime", "1970-01-01T00:05:00Z")];
    assert_eq!(stage.status(request("/own/a", &tick, "")).await, 401);
    let other = [("x-cloudscheduler-jobname", "another")];
    assert_eq!(stage.passed(request("/own/a", &other, "text")).await, "text");
    assert_eq!(stage.passed(request("/own/a", &[], "text")).await, "text");
    assert!(stage.bench.calls().is_empty());
}
