//! The photos as their users see them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::Value;
use skyport::Body;
use skyport_e2e::pictures::{decode, jpeg_of, jpeg_turned};
use skyport_e2e::{Answer, Data, Example, Http, Running, request, until, within};

const LIMIT: Duration = Duration::from_secs(60);

async fn thumbnail(client: &Http, server: &Running, name: &str, limit: Duration) -> Answer {
    let url = server.url(&format!("/thumbnails/{name}"));
    until("the thumbnail is there", limit, async || client.get(&url).await.status == 200).await;
    client.get(&url).await.assert_status(200)
}

async fn state(client: &Http, server: &Running, name: &str) -> Option<String> {
    let photos: Vec<Value> = client.get(&server.url("/photos")).await.assert_status(200).json();
    let photo = photos.into_iter().find(|photo| photo["name"] == name)?;
    photo["state"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn an_upload_has_its_thumbnail_within_two_seconds() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        // The best of three: what else this machine does is not the server's fault.
        let mut best = Duration::MAX;
        for number in 0..3 {
            let name = format!("{number}.jpg");
            let begun = Instant::now();
            client.put(&server.url(&format!("/photos/{name}")), jpeg_of(number)).await.assert_status(201);
            thumbnail(&client, &server, &name, Duration::from_secs(20)).await;
            best = best.min(begun.elapsed());
        }
        assert!(best < Duration::from_secs(2), "{best:?}");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_photo_is_stored_once_shown_and_deleted() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let url = server.url("/photos/cat.jpg");
        let cat = jpeg_turned(800, 600, 1);
        client.put(&url, cat.clone()).await.assert_status(201);
        let small = thumbnail(&client, &server, "cat.jpg", Duration::from_secs(20)).await;
        assert_eq!(small.header("content-type"), Some("image/jpeg"));
        let small = decode(&small.body);
        assert_eq!((small.width(), small.height()), (256, 192));

        let photo = client.get(&url).await.assert_status(200);
        assert!(photo.body == cat, "other bytes");
        client.put(&url, cat).await.assert_status(409);
        client.delete(&url).await.assert_status(204);
        client.get(&url).await.assert_status(404);
        client.get(&server.url("/thumbnails/cat.jpg")).await.assert_status(404);
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn twelve_megapixels_from_a_camera_that_was_turned_come_out_upright() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        // 6 says: the camera was turned so that the picture's left is what was up.
        client.put(&server.url("/photos/tall.jpg"), jpeg_turned(4000, 3000, 6)).await.assert_status(201);
        let small = thumbnail(&client, &server, "tall.jpg", Duration::from_secs(20)).await;
        let small = decode(&small.body);
        assert_eq!((small.width(), small.height()), (192, 256));
        let (top, bottom) = (small.get_pixel(96, 40), small.get_pixel(96, 216));
        assert!(top[0] > 150 && top[2] < 80, "red on top: {top:?}");
        assert!(bottom[2] > 150 && bottom[0] < 80, "blue below: {bottom:?}");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_to_be_taken_is_refused_with_its_status() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let url = server.url("/photos/a.jpg");

        let mut gif = request(Method::PUT, &url, "GIF89a..");
        gif.headers_mut().insert("content-type", "image/gif".parse().expect("a value"));
        client.send(gif).await.assert_status(415);
        let refused = client.put(&url, "no picture at all").await.assert_status(422);
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));

        let block = Bytes::from([b"\xff\xd8\xff".as_slice(), &[0; (1 << 20) - 3]].concat());
        client.put(&url, block.repeat(21)).await.assert_status(413);
        // The client learns of it while it still sends, and may not get to read the answer; the server does not mind.
        let chunks = stream::iter(vec![block; 21]).map(Ok::<_, std::io::Error>);
        if let Some(answer) = client.attempt(request(Method::PUT, &url, Body::from_stream(chunks))).await {
            answer.assert_status(413);
        }
        client.get(&url).await.assert_status(404);

        client.get(&server.url("/nothing")).await.assert_status(404);
        let refused = client.post(&server.url("/photos")).await.assert_status(405);
        let allowed = refused.header("allow").expect("the methods").to_owned();
        assert!(allowed.split(", ").any(|method| method == "GET"), "{allowed}");
        assert!(client.get(&server.url("/photos")).await.json::<Vec<Value>>().is_empty());
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_cut_short_is_a_dead_letter_and_failed_in_the_catalogue() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let whole = jpeg_of(1);
        client.put(&server.url("/photos/cut.jpg"), whole[..200].to_vec()).await.assert_status(201);
        until("the photo has failed", Duration::from_secs(20), async || {
            state(&client, &server, "cut.jpg").await.as_deref() == Some("failed")
        })
        .await;
        client.get(&server.url("/thumbnails/cut.jpg")).await.assert_status(404);
        let open = data.open();
        until("the job is off the queue", Duration::from_secs(20), async || {
            open.waiting("photos-resize").await.expect("a depth") == 0
        })
        .await;
        server.stop().await;
        let dead = open.take_dead_letters("photos-resize").await.expect("dead letters");
        assert_eq!(dead.len(), 1);
        assert!(dead[0].reason().is_some_and(|reason| !reason.is_empty()), "no reason");
    })
    .await;
}

#[tokio::test]
async fn a_shared_photo_is_open_to_whoever_has_its_url_unaltered() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let (mine, other) = (jpeg_of(1), jpeg_of(2));
        client.put(&server.url("/photos/mine.jpg"), mine.clone()).await.assert_status(201);
        client.put(&server.url("/photos/other.jpg"), other).await.assert_status(201);
        let shared: Value =
            client.post(&server.url("/photos/mine.jpg/share")).await.assert_status(200).json();
        let url = shared["url"].as_str().expect("a URL");
        assert!(url.starts_with(&server.url("/")), "{url}");
        let photo = client.get(url).await.assert_status(200);
        assert!(photo.body == mine, "other bytes");
        assert_eq!(photo.header("content-type"), Some("image/jpeg"));

        let other = url.replace("mine.jpg", "other.jpg");
        assert_ne!(other, url);
        client.get(&other).await.assert_status(403);
        client.delete(url).await.assert_status(403);
        // One digit of what ends the signature.
        let end = if url.ends_with('0') { "1" } else { "0" };
        client.get(&format!("{}{end}", &url[..url.len() - 1])).await.assert_status(403);
        client.get(url).await.assert_status(200);
        client.post(&server.url("/photos/none.jpg/share")).await.assert_status(404);
        server.stop().await;
    })
    .await;
}
