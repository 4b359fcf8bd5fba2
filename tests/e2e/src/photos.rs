//! The photos on a cloud, step by step: what all clouds do alike.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::client::{Http, request};
use crate::pictures::{decode, jpeg_turned};
use crate::until;

/// How long an event may take to come, and its function to start and to do its work.
pub const SOON: Duration = Duration::from_secs(60);

/// The photos as their users see them, at one place.
#[derive(Debug)]
pub struct Photos {
    client: Http,
    base: String,
    cat: Vec<u8>,
}

impl Photos {
    /// Those whose URLs begin so: `http://127.0.0.1:8080`
    pub fn at(base: impl Into<String>) -> Self {
        // A picture as of a camera that was turned.
        Self { client: Http::new(), base: base.into(), cat: jpeg_turned(800, 600, 6) }
    }

    /// HTTP -> bucket -> event -> queue -> function -> bucket and table -> HTTP.
    ///
    /// # Panics
    /// Where it does not come to that, as all that follow.
    pub async fn a_picture_becomes_small_and_stands_in_the_catalogue(&self) {
        self.client.put(&self.url("/photos/cat.jpg"), self.cat.clone()).await.assert_status(201);
        let small = self.url("/thumbnails/cat.jpg");
        until("the thumbnail is there", SOON, async || self.client.get(&small).await.status == 200).await;
        let small = self.client.get(&small).await.assert_status(200);
        assert_eq!(small.header("content-type"), Some("image/jpeg"));
        let picture = decode(&small.body);
        assert_eq!((picture.width(), picture.height()), (192, 256), "upright");
        self.becomes("cat.jpg", "ready").await;
    }

    /// Bodies are binary both ways; statuses are the application's.
    pub async fn answers_are_the_applications(&self) {
        let url = self.url("/photos/cat.jpg");
        assert!(self.client.get(&url).await.assert_status(200).body == self.cat, "other bytes");
        self.client.put(&url, self.cat.clone()).await.assert_status(409);
        self.client.get(&self.url("/photos/dog.jpg")).await.assert_status(404);
        self.client.put(&self.url("/photos/text.jpg"), "no picture").await.assert_status(422);
        let refused = self.client.send(request(Method::PATCH, &url, "x")).await.assert_status(405);
        assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET")), "{refused:?}");
    }

    /// A signed URL goes to the bucket itself. It is given back.
    pub async fn a_shared_picture_is_read_from_the_bucket(&self) -> String {
        let share = self.client.post(&self.url("/photos/cat.jpg/share")).await.assert_status(200);
        let share: Value = share.json();
        let shared = share["url"].as_str().expect("a URL").to_owned();
        assert!(self.client.get(&shared).await.assert_status(200).body == self.cat, "other bytes");
        shared
    }

    /// A signed URL is for one object and no other: where the bucket verifies it.
    pub async fn a_shared_url_that_is_altered_is_refused(&self, shared: &str) {
        self.client.get(&shared.replace("cat.jpg", "dog.jpg")).await.assert_status(403);
    }

    /// A picture that cannot be decoded is shown as failed; its job is a dead letter then.
    pub async fn a_picture_cut_short_fails(&self) {
        let cut = self.cat[..200].to_vec();
        self.client.put(&self.url("/photos/cut.jpg"), cut).await.assert_status(201);
        self.becomes("cut.jpg", "failed").await;
    }

    /// A deletion is an event, too.
    pub async fn a_picture_that_is_deleted_is_forgotten(&self) {
        self.client.delete(&self.url("/photos/cat.jpg")).await.assert_status(204);
        until("the catalogue has forgotten it", SOON, async || self.state("cat.jpg").await.is_none()).await;
    }

    /// What the catalogue tells of a picture.
    pub async fn state(&self, name: &str) -> Option<String> {
        let answer = self.client.get(&self.url("/photos")).await.assert_status(200);
        let photo = answer.json::<Vec<Value>>().into_iter().find(|photo| photo["name"] == name)?;
        photo["state"].as_str().map(str::to_owned)
    }

    async fn becomes(&self, name: &str, state: &str) {
        let what = format!("the catalogue shows {name} as {state}");
        until(&what, SOON, async || self.state(name).await.as_deref() == Some(state)).await;
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}
