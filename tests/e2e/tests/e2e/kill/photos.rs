//! The photos are killed again and again while clients upload, and nothing that was answered is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use skyport::blob::port::Subscriber;
use skyport_e2e::pictures::{decode, jpeg_of, size_of};
use skyport_e2e::{Data, Http, Open, Place, Running, until};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Clients, SETTLED, moment, moved, seeded};

/// How much is done, and how often the server is killed meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) clients: usize,
    /// How many photos are uploaded to stay.
    pub(super) staying: u32,
    /// How many more are deleted again at once: every eleventh.
    pub(super) doomed: u32,
    pub(super) kills: u32,
}

impl Plan {
    fn all(self) -> u32 {
        self.staying + self.doomed
    }

    /// Those that stay, and those that go.
    fn names(self) -> (BTreeMap<String, u32>, Vec<String>) {
        let (doomed, staying): (Vec<u32>, Vec<u32>) = (0..self.all()).partition(|number| is_doomed(*number));
        assert_eq!((staying.len(), doomed.len()), (self.staying as usize, self.doomed as usize));
        (
            staying.into_iter().map(|number| (name(number), number)).collect(),
            doomed.into_iter().map(name).collect(),
        )
    }
}

fn name(number: u32) -> String {
    format!("{number:03}.jpg")
}

/// Those that are deleted come in between the others.
fn is_doomed(number: u32) -> bool {
    number % 11 == 5
}

/// What the uploads have in common.
#[derive(Debug)]
struct Uploads {
    clients: Clients,
    plan: Plan,
    next: AtomicU32,
    /// How many uploads have ended.
    done: watch::Sender<u32>,
    /// How many of them were answered 201.
    created: AtomicU32,
}

impl Uploads {
    /// Takes one number after the other, and uploads what belongs to it.
    async fn work(self: Arc<Self>) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.plan.all() {
                return;
            }
            self.upload(number).await;
            if is_doomed(number) {
                self.delete(number).await;
            }
            self.done.send_modify(|done| *done += 1);
        }
    }

    async fn upload(&self, number: u32) {
        let picture = jpeg_of(number);
        let path = format!("/photos/{}", name(number));
        let (answer, before) = self.clients.request(Method::PUT, &path, &picture).await;
        if answer.status != 409 {
            answer.assert_status(201);
            self.created.fetch_add(1, Ordering::Relaxed);
            return;
        }
        assert!(before, "{path} is uploaded once only");
        // An attempt whose answer was lost had been stored, or still is being.
        loop {
            let (stored, _) = self.clients.request(Method::GET, &path, &[]).await;
            if stored.status == 200 {
                assert!(stored.body == picture, "{path} holds other bytes");
                return;
            }
            stored.assert_status(404);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn delete(&self, number: u32) {
        let path = format!("/photos/{}", name(number));
        let (answer, before) = self.clients.request(Method::DELETE, &path, &[]).await;
        let gone = answer.status == 204 || (before && answer.status == 404);
        assert!(gone, "{path}: {answer:?}");
    }
}

/// Uploads everything, while the server is killed and started again; the last server, and what came of the uploads.
async fn upload_under_fire(name: &str, place: &Place, plan: Plan) -> (Running, Arc<Uploads>) {
    let (mut random, _) = seeded(&format!("kill::{name}::photos"));
    // The first time most is still to come, so that it cannot be over before the kill. The last time everything is uploaded, and
    // thumbnails are being made.
    let mut marks = vec![random.u32(1..plan.all() / 4), plan.all()];
    marks.extend((2..plan.kills).map(|_| random.u32(1..plan.all())));
    marks.sort_unstable();
    let mut server = place.photos().start().await;
    let (sender, clients) = Clients::of(&server);
    let uploads = Arc::new(Uploads {
        clients,
        plan,
        next: AtomicU32::new(0),
        done: watch::Sender::new(0),
        created: AtomicU32::new(0),
    });
    let mut done = uploads.done.subscribe();
    let mut tasks: JoinSet<()> = (0..plan.clients).map(|_| Arc::clone(&uploads).work()).collect();
    for mark in marks {
        tokio::select! {
            reached = done.wait_for(|done| *done >= mark) => drop(reached.expect("the clients live")),
            Some(Err(failed)) = async {
                loop {
                    match tasks.join_next().await {
                        Some(Ok(())) => {}
                        other => return other,
                    }
                }
            } => panic!("a client failed: {failed}"),
        }
        moment(&mut random).await;
        server.kill();
        server = place.photos().start().await;
        moved(&sender, &server);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no client failed");
    }
    (server, uploads)
}

/// A photo as the catalogue shows it.
#[derive(Debug, Deserialize)]
struct Photo {
    name: String,
    bytes: u64,
    width: Option<u32>,
    height: Option<u32>,
    state: String,
}

async fn catalogue(client: &Http, server: &Running) -> BTreeMap<String, Photo> {
    let photos: Vec<Photo> = client.get(&server.url("/photos")).await.assert_status(200).json();
    photos.into_iter().map(|photo| (photo.name.clone(), photo)).collect()
}

/// Kills the photos as planned, and holds against what was answered what is there in the end.
pub(super) async fn survive(name: &str, place: &Place, plan: Plan) {
    place.photos().variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
    let told = place.photos_told();
    let (server, uploads) = upload_under_fire(name, place, plan).await;
    let (created, broken) =
        (uploads.created.load(Ordering::Relaxed), uploads.clients.broken.load(Ordering::Relaxed));
    assert!(created >= plan.staying / 2, "only {created} uploads were answered 201");
    assert!(broken > 0, "the kills hit nothing");

    let (client, (staying, doomed)) = (Http::new(), plan.names());
    until("every photo is ready, and no other is there", SETTLED, async || {
        let photos = catalogue(&client, &server).await;
        photos.keys().eq(staying.keys()) && photos.values().all(|photo| photo.state == "ready")
    })
    .await;
    for name in &doomed {
        let paths = [format!("/photos/{name}"), format!("/thumbnails/{name}")];
        for path in paths {
            let gone = async || client.get(&server.url(&path)).await.status == 404;
            until(&format!("{path} is gone"), SETTLED, gone).await;
        }
    }
    let photos = catalogue(&client, &server).await;
    for (name, number) in &staying {
        assert_whole(&client, &server, *number, &photos[name]).await;
    }
    match place {
        Place::Local(data) => assert_tidy(data, server, &staying.into_keys().collect()).await,
        _ => server.stop().await,
    }
    if let Some(told) = told {
        told.abort();
    }
    let (kills, uploads) = (plan.kills, plan.all());
    let figures = format!("{kills} kills, {uploads} uploads, {broken} connections broken, none lost");
    skyport_figures::record(&format!("kill::{name}::photos"), &figures);
}

/// Its bytes are those that were uploaded, its thumbnail is one, and the catalogue says so.
async fn assert_whole(client: &Http, server: &Running, number: u32, photo: &Photo) {
    let picture = jpeg_of(number);
    let stored = client.get(&server.url(&format!("/photos/{}", photo.name))).await.assert_status(200);
    assert!(stored.body == picture, "{} holds other bytes", photo.name);
    let thumbnail = client.get(&server.url(&format!("/thumbnails/{}", photo.name))).await.assert_status(200);
    let small = decode(&thumbnail.body);
    let (width, height) = size_of(number);
    assert_eq!(small.width().max(small.height()), 256, "{}", photo.name);
    assert_eq!(
        (photo.state.as_str(), photo.bytes, photo.width, photo.height),
        ("ready", picture.len() as u64, Some(width), Some(height)),
        "{}",
        photo.name
    );
}

/// In a folder of this machine all can be seen: no message is left, no dead letter, no object that does not belong to a photo, and no file
/// that does not belong to an object.
async fn assert_tidy(data: &Data, server: Running, staying: &BTreeSet<String>) {
    let open = data.open();
    until("every queue is empty", SETTLED, async || waiting(&open).await == 0).await;
    server.stop().await;
    assert_eq!(open.keys("photos-originals").await, *staying);
    assert_eq!(open.keys("photos-thumbnails").await, *staying);
    assert!(open.take_dead_letters("photos-resize").await.expect("dead letters").is_empty());
    data.assert_sound(staying.len() * 2).await;
}

/// How much is still to be done.
async fn waiting(open: &Open) -> u64 {
    let subscriber = |function: &str, created| {
        let mut subscriber = Subscriber::new(format!("photos-{function}"));
        subscriber.created = created;
        subscriber.deleted = !created;
        subscriber
    };
    let added = open.events_waiting("photos-originals", subscriber("added", true)).await.expect("a depth");
    let removed =
        open.events_waiting("photos-originals", subscriber("removed", false)).await.expect("a depth");
    added + removed + open.waiting("photos-resize").await.expect("a depth")
}
