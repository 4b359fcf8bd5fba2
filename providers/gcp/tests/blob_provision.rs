//! Making and removing buckets, at a Cloud Storage that is a script.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use http::Method;
use skyport_core::ErrorKind;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_gcp::Gcp;

use stub::{answer, bucket, refusal};

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "stub/http.rs"]
mod stub;

/// A provider and a URL with the endpoint of a script.
macro_rules! scripted {
    ($answer:expr) => {{
        let (store, log) = bucket($answer).await;
        let endpoint = store.info().account.clone();
        let url = ResourceUrl::new("gs", "bkt").with_parameter("endpoint", &endpoint);
        (Gcp::new(), url.with_parameter("project", "p-1"), log)
    }};
}

#[tokio::test]
async fn a_bucket_is_made_in_its_project_and_place_closed_to_the_public() {
    let (gcp, url, log) = scripted!(|_, _| answer(200, "{}"));
    let url = url.with_parameter("location", "europe-west4");
    gcp.create(&url, &ResourceKind::Bucket).await.expect("made");
    let asked = log.all();
    assert_eq!(asked[0].line(), "POST /storage/v1/b?project=p-1&fields=name");
    let bucket: serde_json::Value = serde_json::from_slice(&asked[0].body).expect("JSON");
    assert_eq!((&bucket["name"], &bucket["location"]), (&"bkt".into(), &"europe-west4".into()));
    assert_eq!(bucket["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"], true);
    assert_eq!(bucket["iamConfiguration"]["publicAccessPrevention"], "enforced");
    assert_eq!(bucket["softDeletePolicy"]["retentionDurationSeconds"], "0");
}

#[tokio::test]
async fn a_bucket_that_is_there_is_ours_where_we_may_look_at_it() {
    let look = |status: u16| {
        move |asked: &stub::Asked, _: &str| match asked.method {
            Method::POST => refusal(409, "conflict"),
            _ if status == 200 => answer(200, "{}"),
            _ => refusal(status, "forbidden"),
        }
    };
    let (gcp, url, _) = scripted!(look(200));
    gcp.create(&url, &ResourceKind::Bucket).await.expect("it is there");
    let (gcp, url, _) = scripted!(look(403));
    let error = gcp.create(&url, &ResourceKind::Bucket).await.expect_err("somebody else's");
    assert_eq!((error.kind(), error.resource()), (ErrorKind::AlreadyExists, Some("bkt")));
    assert!(error.message().contains("somebody else"), "{error}");
}

#[tokio::test]
async fn a_bucket_is_removed_with_every_generation_and_one_that_fills_again_is_emptied_again() {
    let deletions = std::sync::atomic::AtomicUsize::new(0);
    let (gcp, url, log) = scripted!(move |asked, _| {
        let target = asked.target.as_str();
        match asked.method {
            Method::DELETE if target == "/storage/v1/b/bkt" => {
                let before = deletions.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if before == 0 { refusal(409, "conflict") } else { answer(204, "") }
            }
            Method::DELETE => answer(204, ""),
            _ if target.contains("notificationConfigs") => answer(200, "{}"),
            _ if target.contains("pageToken=more") => {
                answer(200, r#"{"items":[{"name":"..","generation":"3"},{"name":"b","generation":"4"}]}"#)
            }
            _ => answer(
                200,
                r#"{"items":[{"name":"a","generation":"1"},{"name":"a","generation":"2"}],"nextPageToken":"more"}"#,
            ),
        }
    });
    gcp.remove(&url, &ResourceKind::Bucket).await.expect("removed");
    let mut deleted: Vec<String> =
        log.lines().into_iter().filter(|line| line.starts_with("DELETE ")).collect();
    deleted.sort();
    deleted.dedup();
    let object = |rest: &str| format!("DELETE /storage/v1/b/bkt/o/{rest}");
    assert_eq!(
        deleted,
        [
            "DELETE /storage/v1/b/bkt".to_owned(),
            object("a?generation=1"),
            object("a?generation=2"),
            object("b?generation=4"),
        ]
    );
}

#[tokio::test]
async fn a_missing_bucket_is_removed_already() {
    let (gcp, url, _) = scripted!(|_, _| refusal(404, "notFound"));
    gcp.remove(&url, &ResourceKind::Bucket).await.expect("nothing is there");
}

#[test]
fn what_can_be_no_bucket_is_refused_when_it_is_opened() {
    for name in ["Photos", "-a", "a b", "..", "a/b", "ü", &"a".repeat(223)] {
        let error = Gcp::new().bucket(&ResourceUrl::new("gs", name)).map(drop).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
    }
    for name in ["my-photos", "my.photos_1", "1st"] {
        Gcp::new().bucket(&ResourceUrl::new("gs", name)).map(drop).expect(name);
    }
}
