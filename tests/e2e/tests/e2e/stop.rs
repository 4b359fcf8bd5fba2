//! Servers stop in peace, and share their data while they run.

use std::time::Duration;

use futures_util::stream;
use http::Method;
use serde_json::Value;
use skyport::Body;
use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Http, request, until, within};
use tokio::sync::oneshot;

const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_running_request_may_finish_after_sigterm() {
    within(LIMIT, async {
        let data = Data::new();
        let mut server = Example::new("files").data(data.path()).start().await;
        let (client, url) = (Http::new(), server.url("/files/slow"));

        // A body that is half there; the rest comes once the server was told to stop.
        let (asked, half) = oneshot::channel::<()>();
        let (go_on, rest) = oneshot::channel::<()>();
        let body = stream::unfold((0, Some(asked), Some(rest)), |(step, mut asked, mut rest)| async move {
            match step {
                0 => {}
                1 => {
                    // The first half is on its way: the connection asks for more.
                    asked.take()?.send(()).ok()?;
                    rest.take()?.await.ok()?;
                }
                _ => return None,
            }
            Some((Ok::<_, std::io::Error>("half and "), (step + 1, asked, rest)))
        });
        let uploading = tokio::spawn({
            let (client, url) = (client.clone(), url.clone());
            async move { client.send(request(Method::PUT, &url, Body::from_stream(body))).await }
        });
        half.await.expect("the upload has begun");
        // On another connection, so that the first one's request has reached its handler.
        Http::new().get(&server.url("/healthz")).await.assert_status(200);
        server.terminate();
        // New clients are turned away, one way or another, before the running one has ended.
        let healthz = server.url("/healthz");
        until("it takes no more", Duration::from_secs(20), async || {
            let get = request(Method::GET, &healthz, Body::default());
            Http::new().attempt(get).await.is_none_or(|answer| answer.status == 503)
        })
        .await;
        assert!(!uploading.is_finished());
        go_on.send(()).expect("the upload waits for it");
        uploading.await.expect("no panic").assert_status(204);
        assert!(server.ended().await.success(), "{}", server.log());

        let server = Example::new("files").data(data.path()).start().await;
        let stored = client.get(&server.url("/files/slow")).await.assert_status(200);
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
