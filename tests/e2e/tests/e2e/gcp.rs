//! The photos as a service of Cloud Run: made by the program itself, called by pushes of Pub/Sub and notifications of the bucket.

use std::time::Duration;

use http::{Method, Request};
use skyport::Body;
use skyport_e2e::gcp::Project;
use skyport_e2e::photos::{Photos, SOON};
use skyport_e2e::{Http, Running, until, within};

const LIMIT: Duration = Duration::from_secs(240);

/// Deploys the photos: what they declare is made, then they serve, then they are called.
async fn deploy(project: &Project) -> Running {
    project.program("photos").variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
    let service = project.service("photos").start().await;
    project.push("photos-resize", &service).await;
    project.notify("photos-originals", &service).await;
    service
}

#[tokio::test]
async fn photos_work_as_a_service_of_cloud_run_with_every_trigger() {
    within(LIMIT, async {
        let project = Project::new();
        let service = deploy(&project).await;
        let photos = Photos::at(service.url(""));
        photos.a_picture_becomes_small_and_stands_in_the_catalogue().await;
        photos.answers_are_the_applications().await;
        let shared = photos.a_shared_picture_is_read_from_the_bucket().await;
        photos.a_shared_url_that_is_altered_is_refused(&shared).await;

        photos.a_picture_cut_short_fails().await;
        until("its job is a dead letter", SOON, async || {
            let dead = project.waiting("photos-resize-dead").await;
            dead.iter().any(|message| message["attributes"]["skyport"].is_string())
        })
        .await;

        photos.a_picture_that_is_deleted_is_forgotten().await;
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn schedules_and_what_no_function_is_for_are_told_apart() {
    within(LIMIT, async {
        let project = Project::new();
        let service = deploy(&project).await;
        let client = Http::new();
        let post = |headers: &[(&str, &str)], body: &str| {
            let mut post = Request::builder().method(Method::POST).uri(service.url("/"));
            for (name, value) in headers {
                post = post.header(*name, *value);
            }
            post.body(Body::from(body.to_owned())).expect("a request")
        };

        // As Cloud Scheduler calls.
        let job = [
            ("x-cloudscheduler", "true"),
            ("x-cloudscheduler-jobname", "photos-sweep"),
            ("x-cloudscheduler-scheduletime", "2026-11-26T03:00:00Z"),
        ];
        let swept = client.send(post(&job, "")).await;
        assert!(swept.status.is_success(), "{swept:?}");

        // A push of a subscription that the application does not have, an event of a kind that it knows nothing of, and damage.
        let json = ("content-type", "application/json");
        let foreign =
            r#"{"message":{"messageId":"1","data":"aGk="},"subscription":"projects/p/subscriptions/other"}"#;
        client.send(post(&[json], foreign)).await.assert_status(404);
        // Whoever may send is not told what there is; the log is.
        until("the log names it", SOON, async || service.log().contains("other")).await;
        let event = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "//cloudaudit.googleapis.com/x"),
            ("ce-type", "google.cloud.audit.log.v1.written"),
            json,
        ];
        // Refused, it would be sent again for a day.
        client.send(post(&event, "{}")).await.assert_status(202);
        let kind = "google.cloud.audit.log.v1.written";
        until("the log names its type", SOON, async || service.log().contains(kind)).await;
        let damaged = client.send(post(&[("content-type", "application/cloudevents+json")], "{")).await;
        damaged.assert_status(400);
        service.stop().await;
    })
    .await;
}
