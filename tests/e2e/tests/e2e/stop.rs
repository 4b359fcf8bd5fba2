//! Servers stop in peace, and share their data while they run.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use skyport::Body;
use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Http, Raw, request, status, until, within};

const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_running_request_may_finish_after_sigterm() {
    within(LIMIT, async {
        let data = Data::new();
        let mut server = Example::new("files").data(data.path()).start().await;
        let mut upload = Raw::connect(server.address).await;
        assert!(upload.send("PUT /files/slow HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n").await);
        assert!(upload.send("content-length: 18\r\n\r\n").await);
        // Its handler asks for the body: from here on the request runs.
        upload.read_until("100 Continue\r\n\r\n").await;
        assert!(upload.send("half and ").await);
        server.terminate();
        // New clients are turned away, one way or another, while the running one goes on.
        let healthz = server.url("/healthz");
        until("it takes no more", Duration::from_secs(5), async || {
            let get = request(Method::GET, &healthz, Body::default());
            Http::new().attempt(get).await.is_none_or(|answer| answer.status == 503)
        })
        .await;
        assert!(upload.send("half and ").await);
        let answered = upload.closed().await;
        assert_eq!(status(&answered), 204, "{answered}");
        assert!(server.ended().await.success(), "{}", server.log());

        let server = Example::new("files").data(data.path()).start().await;
        let stored = Http::new().get(&server.url("/files/slow")).await.assert_status(200);
        assert_eq!(stored.text(), "half and half and ");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_one_process_took_another_works_off() {
    within(LIMIT, async {
        let data = Data::new();
        let client = Http::new();
        let first = Example::new("photos").data(data.path()).start().await;
        let second = Example::new("photos").data(data.path()).start().await;
        for number in 0..20 {
            let server = if number % 2 == 0 { &first } else { &second };
            let url = server.url(&format!("/photos/{number}.jpg"));
            client.put(&url, jpeg_of(number)).await.assert_status(201);
        }
        // What it has not begun or finished is the other's from now on.
        first.stop().await;
        until("every photo is ready", Duration::from_secs(30), async || {
            let photos: Vec<Value> = client.get(&second.url("/photos")).await.assert_status(200).json();
            photos.len() == 20 && photos.iter().all(|photo| photo["state"] == "ready")
        })
        .await;
        for number in 0..20 {
            client.get(&second.url(&format!("/thumbnails/{number}.jpg"))).await.assert_status(200);
        }
        second.stop().await;
        assert!(data.open().take_dead_letters("photos-resize").await.expect("dead letters").is_empty());
    })
    .await;
}
