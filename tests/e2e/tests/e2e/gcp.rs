//! The photos as a service of Cloud Run: made by the program itself, called by pushes of Pub/Sub and notifications of the bucket.

use std::time::Duration;

use http::{Method, Request};
use serde_json::Value;
use skyport::Body;
use skyport_e2e::gcp::Project;
use skyport_e2e::pictures::{decode, jpeg_turned};
use skyport_e2e::{Http, Running, request, until, within};

const LIMIT: Duration = Duration::from_secs(240);

/// How long an event may take to come, and its function to do its work.
const SOON: Duration = Duration::from_secs(60);

/// Deploys the photos: what they declare is made, then they serve, then they are called.
async fn deploy(project: &Project) -> Running {
    project.program("photos").variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
    let service = project.service("photos").start().await;
    project.push("photos-resize", &service).await;
    project.notify("photos-originals", &service).await;
    service
}

async fn photo(client: &Http, service: &Running, name: &str) -> Option<Value> {
    let answer = client.get(&service.url("/photos")).await.assert_status(200);
    answer.json::<Vec<Value>>().into_iter().find(|photo| photo["name"] == name)
}

#[tokio::test]
async fn photos_work_as_a_service_of_cloud_run_with_every_trigger() {
    within(LIMIT, async {
        let project = Project::new();
        let service = deploy(&project).await;
        let client = Http::new();
        let url = service.url("/photos/cat.jpg");
        let cat = jpeg_turned(800, 600, 6);

        // HTTP -> bucket -> notification -> queue -> push -> bucket and table -> HTTP.
        client.put(&url, cat.clone()).await.assert_status(201);
        let small = service.url("/thumbnails/cat.jpg");
        until("the thumbnail is there", SOON, async || client.get(&small).await.status == 200).await;
        let small = client.get(&small).await.assert_status(200);
        assert_eq!(small.header("content-type"), Some("image/jpeg"));
        let picture = decode(&small.body);
        assert_eq!((picture.width(), picture.height()), (192, 256), "upright");
        until("the catalogue tells so", SOON, async || {
            photo(&client, &service, "cat.jpg").await.is_some_and(|photo| photo["state"] == "ready")
        })
        .await;

        // Bodies are binary both ways; statuses are the application's.
        assert!(client.get(&url).await.assert_status(200).body == cat, "other bytes");
        client.put(&url, cat.clone()).await.assert_status(409);
        client.get(&service.url("/photos/dog.jpg")).await.assert_status(404);
        client.put(&service.url("/photos/text.jpg"), "no picture").await.assert_status(422);
        let refused = client.send(request(Method::PATCH, &url, "x")).await.assert_status(405);
        assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET")), "{refused:?}");

        // A signed URL goes to the bucket itself, which verifies it; altered, it is refused.
        let share: Value = client.post(&service.url("/photos/cat.jpg/share")).await.assert_status(200).json();
        let shared = share["url"].as_str().expect("a URL");
        assert!(client.get(shared).await.assert_status(200).body == cat, "other bytes");
        client.get(&shared.replace("cat.jpg", "dog.jpg")).await.assert_status(403);

        // A picture that cannot be decoded ends in the dead letters, and is shown as failed.
        let cut = cat[..200].to_vec();
        client.put(&service.url("/photos/cut.jpg"), cut).await.assert_status(201);
        until("the catalogue shows it as failed", SOON, async || {
            photo(&client, &service, "cut.jpg").await.is_some_and(|photo| photo["state"] == "failed")
        })
        .await;
        until("its job is a dead letter", SOON, async || {
            let dead = project.waiting("photos-resize-dead").await;
            dead.iter().any(|message| message["attributes"]["skyport"].is_string())
        })
        .await;

        // A deletion is an event, too.
        client.delete(&url).await.assert_status(204);
        until("the catalogue has forgotten it", SOON, async || {
            photo(&client, &service, "cat.jpg").await.is_none()
        })
        .await;
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
