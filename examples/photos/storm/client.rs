//! One client: it uploads, looks and deletes, and tries again when it gets no answer, as a client of a real service would.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream;
use http::Method;
use skyport::Body;
use skyport::testing::{Exchange, Test, TestResponse};
use tokio::time::{sleep, timeout};

use super::album::{Picture, album};
use super::ledger::{Ledger, Outcome};
use crate::app::{Photo, Photos, State};

/// How often a request is sent that gets no answer, or one that tells of trouble.
const ATTEMPTS: usize = 5;

/// How long a client waits for an answer before it takes its connection for broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// One client.
pub(super) struct Client<'t> {
    pub(super) test: &'t Test<Photos>,
    pub(super) ledger: &'t Ledger,
    pub(super) random: Rng,
    /// The longest pauses between what it does, in milliseconds.
    pub(super) pauses: [u64; 4],
    /// The names it writes, some of them with other clients.
    pub(super) names: Vec<String>,
    /// The pictures that are left to it: others have others.
    pub(super) pictures: Vec<&'static Picture>,
}

impl Client<'_> {
    /// So many things, one after the other, with pauses between them.
    pub(super) async fn live(mut self, steps: usize) {
        for _ in 0..steps {
            let longest = self.pick(&self.pauses.clone());
            self.pause(longest).await;
            let name = self.pick(&self.names.clone());
            match self.random.u8(..100) {
                0..45 => self.upload(&name).await,
                45..60 => self.delete(&name).await,
                60..72 => drop(self.look(&name).await),
                72..84 => self.look_at_thumbnail(&name).await,
                84..92 => self.list().await,
                _ => self.share(&name).await,
            }
        }
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.random.usize(..among.len())].clone()
    }

    async fn pause(&mut self, longest: u64) {
        sleep(Duration::from_millis(self.random.u64(..=longest))).await;
    }

    /// The answer; `None` where none came, or one that broke off.
    async fn send(&mut self, request: Exchange<'_, Photos>) -> Option<TestResponse> {
        // Now and then one goes away.
        let patience = match self.random.u8(..20) {
            0 => Duration::from_millis(self.random.u64(..200)),
            _ => PATIENCE,
        };
        timeout(patience, request.attempt()).await.ok()?.ok()
    }

    /// As `send`, for requests that do no harm when they are repeated: until there is an answer, or no patience left.
    async fn ask(&mut self, method: Method, uri: &str) -> Option<TestResponse> {
        for _ in 0..ATTEMPTS {
            let answer = self.send(self.test.request(method.clone(), uri, Body::empty())).await;
            if let Some(answer) = answer.filter(|answer| !answer.status().is_server_error()) {
                return Some(answer);
            }
            self.pause(2_000).await;
        }
        None
    }

    async fn upload(&mut self, name: &str) {
        let Some(picture) = self.pictures.pop() else { return };
        let first = self.ledger.now();
        let mut doubtful = false;
        for _ in 0..ATTEMPTS {
            let (body, whole) = self.body(picture);
            if whole {
                self.ledger.sent(name, picture);
            }
            let begin = self.ledger.now();
            let request = self.test.put(&uri("photos", name), body);
            let answer = self.send(request).await;
            let span = self.ledger.since(begin);
            let status = answer.as_ref().map(|answer| answer.status().as_u16());
            match status {
                Some(201) if whole => {
                    return self.ledger.uploaded(name, picture, span, Outcome::Done);
                }
                Some(201) => return self.ledger.wrong(format!("{name}: half a photo was accepted")),
                // There is one. It may be its own: an earlier answer was lost.
                Some(409) if doubtful => {
                    if self.look(name).await.is_some_and(|there| std::ptr::eq(there, picture)) {
                        let span = self.ledger.since(first);
                        self.ledger.uploaded(name, picture, span, Outcome::Done);
                    }
                    return;
                }
                Some(409) => return,
                // A body that broke off can be sent again.
                Some(400) if !whole => {}
                Some(500..) | None => {
                    if whole {
                        self.ledger.uploaded(name, picture, span, Outcome::Unknown);
                        doubtful = true;
                    }
                }
                Some(status) => {
                    return self.ledger.wrong(format!("{name}: an upload was answered {status}"));
                }
            }
            self.pause(2_000).await;
        }
    }

    /// A picture as a body: in one piece or streamed, slow or not; and whether it comes whole.
    fn body(&mut self, picture: &'static Picture) -> (Body, bool) {
        let bytes = picture.bytes.clone();
        if self.random.u8(..10) < 5 {
            return (Body::from(bytes), true);
        }
        let size = self.random.usize(1..=bytes.len().min(600));
        let mut chunks: Vec<Result<Bytes, &'static str>> = (0..bytes.len())
            .step_by(size)
            .map(|at| Ok(bytes.slice(at..(at + size).min(bytes.len()))))
            .collect();
        let whole = self.random.u8(..10) < 7;
        if !whole {
            chunks.truncate(self.random.usize(..chunks.len()));
            chunks.push(Err("the client has gone"));
        }
        let slow = Duration::from_millis(self.pick(&[0, 1, 400]));
        let chunks = stream::unfold(chunks.into_iter(), move |mut chunks| async move {
            let chunk = chunks.next()?;
            if !slow.is_zero() {
                sleep(slow).await;
            }
            Some((chunk, chunks))
        });
        (Body::from_stream(chunks), whole)
    }

    async fn delete(&mut self, name: &str) {
        for _ in 0..ATTEMPTS {
            let begin = self.ledger.now();
            let answer = self.send(self.test.delete(&uri("photos", name))).await;
            let span = self.ledger.since(begin);
            match answer.map(|answer| answer.status().as_u16()) {
                Some(204) => return self.ledger.deleted(name, span, Outcome::Done),
                Some(404) => return,
                Some(500..) | None => self.ledger.deleted(name, span, Outcome::Unknown),
                Some(status) => {
                    return self.ledger.wrong(format!("{name}: a deletion was answered {status}"));
                }
            }
            self.pause(2_000).await;
        }
    }

    /// Reads a photo: the one that was found, whole, or nothing.
    async fn look(&mut self, name: &str) -> Option<&'static Picture> {
        self.read(name, &uri("photos", name)).await
    }

    async fn read(&mut self, name: &str, uri: &str) -> Option<&'static Picture> {
        let begin = self.ledger.now();
        let answer = self.ask(Method::GET, uri).await?;
        let span = self.ledger.since(begin);
        let found = match answer.status().as_u16() {
            404 => None,
            200 => {
                let found = album().iter().find(|picture| picture.bytes == *answer.bytes());
                if found.is_none() {
                    self.ledger.wrong(format!("{name}: what was read is no whole photo"));
                    return None;
                }
                found
            }
            status => {
                self.ledger.wrong(format!("{name}: a look was answered {status}"));
                return None;
            }
        };
        self.ledger.looked(name, span, found);
        found
    }

    async fn look_at_thumbnail(&mut self, name: &str) {
        let Some(answer) = self.ask(Method::GET, &uri("thumbnails", name)).await else { return };
        match answer.status().as_u16() {
            404 => {}
            200 if self.ledger.of(name).iter().any(|picture| picture.has_thumbnail(answer.bytes())) => {}
            status => {
                self.ledger
                    .wrong(format!("{name}: {status}, and no whole thumbnail of a photo of this name"));
            }
        }
    }

    async fn list(&mut self) {
        let Some(answer) = self.ask(Method::GET, "/photos").await else { return };
        let photos: Vec<Photo> = answer.assert_status(200).json();
        if !photos.is_sorted_by(|one, next| one.name < next.name) {
            self.ledger.wrong("the list is out of order, or has a photo twice".to_owned());
        }
        for photo in photos {
            let known =
                self.ledger.of(&photo.name).iter().any(|picture| match (&picture.made, photo.state) {
                    (_, State::Pending) => picture.bytes.len() as u64 == photo.bytes,
                    (Some(made), State::Ready) => {
                        (photo.width, photo.height) == (Some(made.width), Some(made.height))
                    }
                    (made, State::Failed) => made.is_none(),
                    (None, State::Ready) => false,
                });
            if !known {
                self.ledger.wrong(format!("the list has what was never uploaded: {photo:?}"));
            }
        }
    }

    async fn share(&mut self, name: &str) {
        let Some(answer) = self.ask(Method::POST, &format!("{}/share", uri("photos", name))).await else {
            return;
        };
        match answer.status().as_u16() {
            404 => {}
            200 => {
                let shared: serde_json::Value = answer.json();
                let url = shared["url"].as_str().expect("a URL");
                self.read(name, url).await;
            }
            status => self.ledger.wrong(format!("{name}: sharing was answered {status}")),
        }
    }
}

fn uri(of: &str, name: &str) -> String {
    format!("/{of}/{name}")
}
