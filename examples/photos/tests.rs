//! The whole application on fakes, in virtual time.

mod ledger;
mod pictures;

use std::time::Duration;

use skyport::ErrorKind;
use skyport::memory::{Fault, Operation};
use skyport::testing::{Test, start};

use crate::app::{Photo, Photos, State, app};
use pictures::{bomb_png, decode, jpeg, jpeg_turned, png_16_bit, png_half_transparent};

/// A CMYK JPEG of one warm red.
const CMYK: &[u8] = include_bytes!("fixtures/cmyk.jpg");

async fn catalogue(test: &Test<Photos>) -> Vec<Photo> {
    test.get("/photos").await.assert_status(200).json()
}

#[tokio::test(start_paused = true)]
async fn an_uploaded_photo_gets_its_thumbnail_and_stands_in_the_catalogue() {
    let test = start(app()).await;
    let cat = jpeg(600, 300);
    test.put("/photos/cat.jpg", cat.clone()).await.assert_status(201);
    test.put("/photos/cat.jpg", cat.clone()).await.assert_status(409);
    test.settle().await;

    let photo = test.get("/photos/cat.jpg").await.assert_status(200);
    assert_eq!(photo.bytes(), &cat);
    assert_eq!(photo.header("content-type"), Some("image/jpeg"));
    let etag = photo.header("etag").expect("an etag").to_owned();
    test.get("/photos/cat.jpg").header("if-none-match", &etag).await.assert_status(304);

    let thumbnail = test.get("/thumbnails/cat.jpg").await.assert_status(200);
    assert_eq!(thumbnail.header("content-type"), Some("image/jpeg"));
    let small = decode(thumbnail.bytes());
    assert_eq!((small.width(), small.height()), (256, 128));

    let photos = catalogue(&test).await;
    let expected = Photo {
        name: "cat.jpg".into(),
        bytes: cat.len() as u64,
        width: Some(600),
        height: Some(300),
        etag: etag.trim_matches('"').into(),
        state: State::Ready,
    };
    assert_eq!(photos, [expected]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_picture_is_refused() {
    let test = start(app()).await;
    test.put("/photos/a.gif", "GIF89a..").header("content-type", "image/gif").await.assert_status(415);
    test.put("/photos/a.jpg", "hello").header("content-type", "image/jpeg").await.assert_status(422);
    test.put("/photos/a.jpg", "").await.assert_status(422);
    test.put("/photos/a.jpg", vec![0xff; (20 << 20) + 1]).await.assert_status(413);
    test.put(&format!("/photos/{}", "x".repeat(201)), jpeg(8, 8)).await.assert_status(400);
    test.put("/photos/a%5Cb", jpeg(8, 8)).await.assert_status(400);
    test.get("/photos/a.jpg").await.assert_status(404);
    test.get("/thumbnails/a.jpg").await.assert_status(404);
    test.delete("/photos/a.jpg").await.assert_status(404);
    test.post("/photos/a.jpg/share", "").await.assert_status(404);
    test.settle().await;
    assert!(catalogue(&test).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_photo_leaves_nothing_behind() {
    let test = start(app()).await;
    test.put("/photos/cat.jpg", jpeg(300, 300)).await.assert_status(201);
    test.settle().await;
    test.delete("/photos/cat.jpg").await.assert_status(204);
    test.get("/thumbnails/cat.jpg").await.assert_status(404);
    // Put again before the first one's events are through.
    test.put("/photos/cat.jpg", jpeg(100, 200)).await.assert_status(201);
    test.settle().await;
    assert_eq!(catalogue(&test).await[0].height, Some(200));
    test.get("/thumbnails/cat.jpg").await.assert_status(200);
    test.delete("/photos/cat.jpg").await.assert_status(204);
    test.settle().await;
    assert!(catalogue(&test).await.is_empty());
    test.get("/thumbnails/cat.jpg").await.assert_status(404);
}

#[tokio::test(start_paused = true)]
async fn a_picture_cut_short_ends_in_the_dead_letters_and_shows_as_failed() {
    let test = start(app()).await;
    let mut cut = pictures::noisy_png(200, 200);
    cut.truncate(cut.len() / 2);
    test.put("/photos/cut.png", cut).await.assert_status(201);
    test.put("/photos/bomb.png", bomb_png(19_000, 19_000)).await.assert_status(201);
    test.put("/photos/fine.jpg", jpeg(10, 10)).await.assert_status(201);
    test.settle().await;

    let states: Vec<(String, State)> =
        catalogue(&test).await.into_iter().map(|photo| (photo.name, photo.state)).collect();
    let expected = [("bomb.png", State::Failed), ("cut.png", State::Failed), ("fine.jpg", State::Ready)];
    assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state)));

    let letters = test.dead_letters(Photos::RESIZE).await;
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        let job = letter.value().expect("a job");
        let reason = letter.reason().expect("a reason");
        assert_eq!(letter.attempt(), 1, "no retry would mend it");
        assert!(job.name == "cut.png" || reason.contains("imit"), "{}: {reason}", job.name);
    }
}

#[tokio::test(start_paused = true)]
async fn thumbnails_are_upright_opaque_and_of_every_colour_model() {
    let test = start(app()).await;
    let pictures: [(&str, Vec<u8>); 4] = [
        ("turned", jpeg_turned(400, 200, 6)),
        ("alpha", png_half_transparent(64, 64)),
        ("deep", png_16_bit(64, 64)),
        ("cmyk", CMYK.to_vec()),
    ];
    for (name, picture) in &pictures {
        test.put(&format!("/photos/{name}"), picture.clone()).await.assert_status(201);
    }
    test.settle().await;

    let thumbnail =
        async |name: &str| decode(test.get(&format!("/thumbnails/{name}")).await.assert_status(200).bytes());
    let turned = thumbnail("turned").await;
    assert_eq!((turned.width(), turned.height()), (128, 256), "a camera held upright");
    // The picture's left is red and its right blue: turned clockwise, the left is on top.
    assert!(turned.get_pixel(64, 20).0[0] > 150 && turned.get_pixel(64, 236).0[2] > 150);
    let photo =
        catalogue(&test).await.into_iter().find(|photo| photo.name == "turned").expect("in the catalogue");
    assert_eq!((photo.width, photo.height), (Some(200), Some(400)));

    let [red, green, blue] = thumbnail("alpha").await.get_pixel(128, 128).0;
    assert!(
        red > 240 && (100..160).contains(&green) && (100..160).contains(&blue),
        "half red on white is pink"
    );
    assert_eq!(thumbnail("deep").await.width(), 256);
    let [red, green, _] = thumbnail("cmyk").await.get_pixel(128, 80).0;
    assert!(red > 200 && green < 120, "ink is not light");
}

#[tokio::test(start_paused = true)]
async fn a_shared_photo_can_be_read_for_ten_minutes() {
    let test = start(app()).await;
    let cat = jpeg(30, 30);
    test.put("/photos/cat.jpg", cat.clone()).await.assert_status(201);
    let shared: serde_json::Value = test.post("/photos/cat.jpg/share", "").await.assert_status(200).json();
    let url = shared["url"].as_str().expect("a URL").to_owned();
    assert_eq!(test.get(&url).await.assert_status(200).bytes(), &cat);
    test.put(&url, "else").await.assert_status(403);
    test.advance(Duration::from_secs(601)).await;
    test.get(&url).await.assert_status(403);
}

#[tokio::test(start_paused = true)]
async fn the_nightly_sweep_takes_orphans_away_and_mends_what_is_missing() {
    let test = start(app()).await;
    test.put("/photos/cat.jpg", jpeg(30, 30)).await.assert_status(201);
    test.settle().await;
    let photos = test.resources();
    test.put("/photos/dog.jpg", jpeg(30, 60)).await.assert_status(201);
    test.settle().await;
    photos.thumbnails.copy("cat.jpg", "dog.jpg").await.expect("copied");
    photos.thumbnails.put("orphan.jpg", "left over").await.expect("stored");
    photos.catalogue.delete(("photos", "cat.jpg")).await.expect("deleted");
    photos.thumbnails.delete("cat.jpg").await.expect("deleted");

    // Past three o'clock, wherever the day began.
    test.advance(Duration::from_secs(86_400)).await;
    test.settle().await;
    assert!(!photos.thumbnails.exists("orphan.jpg").await.expect("answers"));
    assert!(photos.thumbnails.exists("cat.jpg").await.expect("answers"));
    let dog = decode(test.get("/thumbnails/dog.jpg").await.assert_status(200).bytes());
    assert_eq!((dog.width(), dog.height()), (128, 256), "its own again");
    assert_eq!(catalogue(&test).await.len(), 2);
    test.fire("sweep").await.expect("runs by hand, too");
}

#[tokio::test(start_paused = true)]
async fn a_thumbnail_that_comes_late_does_not_stand_for_another_photo() {
    let test = start(app()).await;
    let late = Fault::slow(Duration::from_secs(5)).nth(1);
    test.memory().faults().inject(Operation::BlobPut, late.on_resource("thumbnails"));
    test.put("/photos/cat.jpg", jpeg(30, 30)).await.assert_status(201);
    test.advance(Duration::from_secs(1)).await;
    test.delete("/photos/cat.jpg").await.assert_status(204);
    test.put("/photos/cat.jpg", jpeg(30, 60)).await.assert_status(201);
    test.settle().await;
    let small = decode(test.get("/thumbnails/cat.jpg").await.assert_status(200).bytes());
    assert_eq!((small.width(), small.height()), (128, 256));
}

#[tokio::test(start_paused = true)]
async fn a_photo_that_failed_has_no_thumbnail_of_the_one_before_it() {
    let test = start(app()).await;
    let mut cut = pictures::noisy_png(20, 20);
    cut.truncate(cut.len() / 2);
    for late in [1, 5] {
        let slow = Fault::slow(Duration::from_secs(late)).times(1);
        test.memory().faults().inject(Operation::BlobPut, slow.on_resource("thumbnails"));
        test.put("/photos/cat.png", jpeg(30, 30)).await.assert_status(201);
        test.advance(Duration::from_millis(100)).await;
        test.delete("/photos/cat.png").await.assert_status(204);
        test.put("/photos/cat.png", cut.clone()).await.assert_status(201);
        test.settle().await;
        assert_eq!(catalogue(&test).await[0].state, State::Failed);
        test.get("/thumbnails/cat.png").await.assert_status(404);
        test.delete("/photos/cat.png").await.assert_status(204);
        test.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_slow_takes_nothing_from_the_photo_that_came_after_it() {
    let test = start(app()).await;
    let faults = test.memory().faults();
    test.put("/photos/cat.jpg", jpeg(30, 30)).await.assert_status(201);
    test.settle().await;
    let late = Fault::slow(Duration::from_secs(5)).nth(1);
    faults.inject(Operation::BlobDelete, late.on_resource("thumbnails"));
    let deleting = async { test.delete("/photos/cat.jpg").await };
    let again = async {
        test.advance(Duration::from_secs(1)).await;
        test.put("/photos/cat.jpg", jpeg(30, 60)).await.assert_status(201);
        test.advance(Duration::from_secs(3)).await;
        test.get("/thumbnails/cat.jpg").await.assert_status(200);
        faults.inject(Operation::KvWrite, Fault::refuse(ErrorKind::Unavailable).times(1));
    };
    tokio::join!(deleting, again);
    test.settle().await;
    test.get("/thumbnails/cat.jpg").await.assert_status(200);
}

#[tokio::test(start_paused = true)]
async fn a_job_delivered_twice_does_no_harm() {
    let test = start(app()).await;
    test.put("/photos/cat.jpg", jpeg(30, 30)).await.assert_status(201);
    test.settle().await;
    let photos = test.resources();
    let etag = photos.originals.head("cat.jpg").await.expect("there").etag.to_string();
    for etag in [etag, "of another content".to_owned()] {
        let job = crate::app::Resize { name: "cat.jpg".into(), etag };
        photos.resize.send(&job).await.expect("sent");
        photos.resize.send(&job).await.expect("sent");
    }
    test.settle().await;
    assert!(test.dead_letters(Photos::RESIZE).await.is_empty());
    assert_eq!(catalogue(&test).await[0].state, State::Ready);
}
