//! Whose pushes and events are taken.

use super::*;
use crate::config::PushIdentity;

fn guarded(config: &mut CloudRunConfig) {
    config.push = Some(PushIdentity::new("https://bench.run.app"));
}

/// A body that must not be read.
#[cfg(feature = "oidc")]
fn unread() -> Body {
    Body::from_stream(futures_util::stream::once(async {
        Err::<Bytes, _>(Error::internal("somebody read it"))
    }))
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
    let event = ("ce-type", "google.cloud.storage.object.v1.finalized");
    for headers in [
        vec![("content-type", "application/cloudevents+json")],
        vec![("content-type", "application/cloudevents-batch+json")],
        vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), event],
        vec![("x-goog-pubsub-message-id", "1")],
        vec![("x-cloudscheduler-jobname", "sweep")],
    ] {
        // Not even their bodies are read.
        assert_eq!(stage.status(request("/", &headers, unread())).await, 401, "{headers:?}");
    }
    // Of JSON the body tells whether it is an event.
    assert_eq!(stage.status(push("jobs", "hello", 1)).await, 401);
    let other = json!({"message": "hello"});
    assert_eq!(stage.passed(post("/nowhere", &other)).await, other.to_string());
    assert_eq!(stage.passed(request("/own/a", &[], "text")).await, "text");
    assert!(stage.bench.calls().is_empty());
}

#[cfg(feature = "oidc")]
#[tokio::test]
async fn on_a_path_with_a_route_the_token_is_asked_first_and_what_has_none_is_the_routes_unread() {
    let stage = Stage::set(|config| {
        guarded(config);
        config.events_path = Some("/own/a".to_owned());
    })
    .await;
    let event = ("ce-type", "google.cloud.storage.object.v1.finalized");
    for headers in [
        vec![("content-type", "application/cloudevents+json")],
        vec![("content-type", "application/cloudevents-batch+json")],
        vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), event],
        vec![("x-goog-pubsub-message-id", "1")],
        vec![("content-type", "application/json")],
        vec![("x-cloudscheduler-jobname", "sweep")],
    ] {
        for authorization in [None, Some(("authorization", "Bearer a.b.c"))] {
            let headers: Vec<_> = headers.iter().copied().chain(authorization).collect();
            match stage.intercept(request("/own/a", &headers, unread())).await {
                Intercepted::Passed(request) => {
                    let read = request.into_body().collect(1_000).await.expect_err("a stream that fails");
                    assert_eq!(read.message(), "somebody read it");
                }
                Intercepted::Answered(response) => panic!("{headers:?}: {response:?}"),
            }
        }
    }
    // A deployment of events has no routes.
    let events = Stage::set(|config| {
        guarded(config);
        config.signature = Signature::CloudEvent;
    })
    .await;
    let structured = [("content-type", "application/cloudevents+json")];
    assert_eq!(events.status(request("/own/a", &structured, unread())).await, 401);
    assert!(stage.bench.calls().is_empty() && events.bench.calls().is_empty());
}
