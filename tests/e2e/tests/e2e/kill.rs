//! The server is killed again and again while clients upload, and nothing that was answered is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use skyport::blob::port::Subscriber;
use skyport_e2e::pictures::{decode, jpeg_of, size_of};
use skyport_e2e::{Answer, Data, Example, Http, Open, Running, request, until, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;

/// How many photos are uploaded to stay.
const STAYING: u32 = 200;

/// How many more are deleted again at once.
const DOOMED: u32 = 20;

const KILLS: u32 = 10;

/// A lease of a process that was killed ends after a minute; then another works on the message.
const SETTLED: Duration = Duration::from_secs(120);

/// What the clients have in common.
#[derive(Debug)]
struct Clients {
    http: Http,
    /// Where the server is now; changes with each restart.
    server: watch::Receiver<SocketAddr>,
    next: AtomicU32,
    /// How many uploads have ended.
    done: watch::Sender<u32>,
    /// How many of them were answered 201.
    created: AtomicU32,
    /// How many connections broke.
    broken: AtomicU32,
}

fn name(number: u32) -> String {
    format!("{number:03}.jpg")
}

/// Those that are deleted come in between the others.
fn is_doomed(number: u32) -> bool {
    number % 11 == 5
}

impl Clients {
    /// Takes one number after the other, and uploads what belongs to it.
    async fn work(self: Arc<Self>) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= STAYING + DOOMED {
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
        let (answer, broke) = self.request(Method::PUT, &path, &picture).await;
        if answer.status != 409 {
            answer.assert_status(201);
            self.created.fetch_add(1, Ordering::Relaxed);
            return;
        }
        assert!(broke, "{path} is uploaded once only");
        // An attempt whose answer was lost had been stored.
        let (stored, _) = self.request(Method::GET, &path, &[]).await;
        assert!(stored.assert_status(200).body == picture, "{path} holds other bytes");
    }

    async fn delete(&self, number: u32) {
        let path = format!("/photos/{}", name(number));
        let (answer, broke) = self.request(Method::DELETE, &path, &[]).await;
        let gone = answer.status == 204 || (broke && answer.status == 404);
        assert!(gone, "{path}: {answer:?}");
    }

    /// Sends a request until it is answered; with whether a connection broke on the way.
    async fn request(&self, method: Method, path: &str, body: &[u8]) -> (Answer, bool) {
        let mut server = self.server.clone();
        let mut broke = false;
        loop {
            let address = *server.borrow_and_update();
            let url = format!("http://{address}{path}");
            if let Some(answer) = self.http.attempt(request(method.clone(), &url, body.to_vec())).await {
                return (answer, broke);
            }
            broke = true;
            self.broken.fetch_add(1, Ordering::Relaxed);
            // Connections break when the server is killed, and then only.
            server.wait_for(|now| *now != address).await.expect("the test goes on");
        }
    }
}

async fn start(data: &Data) -> Running {
    Example::new("photos").data(data.path()).start().await
}

/// Uploads everything, while the server is killed and started again; the last server, and the clients' counts.
async fn upload_under_fire(data: &Data) -> (Running, Arc<Clients>) {
    let mut server = start(data).await;
    let (address, watched) = watch::channel(server.address);
    let clients = Arc::new(Clients {
        http: Http::new(),
        server: watched,
        next: AtomicU32::new(0),
        done: watch::Sender::new(0),
        created: AtomicU32::new(0),
        broken: AtomicU32::new(0),
    });
    let mut done = clients.done.subscribe();
    let mut tasks: JoinSet<()> = (0..CLIENTS).map(|_| Arc::clone(&clients).work()).collect();
    for kill in 1..=KILLS {
        // The last time everything is uploaded, and thumbnails are being made.
        let mark = (STAYING + DOOMED) * kill / KILLS;
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
        server.kill();
        server = start(data).await;
        address.send_replace(server.address);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no client failed");
    }
    (server, clients)
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

async fn catalogue(client: &Http, server: &Running) -> Vec<Photo> {
    client.get(&server.url("/photos")).await.assert_status(200).json()
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

async fn keys(open: &Open, bucket: &str) -> BTreeSet<String> {
    let entries = open.bucket(bucket).list().collect(10_000).await.expect("a listing");
    entries.iter().map(|entry| entry.key().to_owned()).collect()
}

#[tokio::test]
async fn what_was_answered_survives_ten_kills_and_nothing_is_stuck() {
    within(Duration::from_secs(280), async {
        let data = Data::new();
        let (server, clients) = upload_under_fire(&data).await;
        let (created, broken) =
            (clients.created.load(Ordering::Relaxed), clients.broken.load(Ordering::Relaxed));
        assert!(created >= STAYING / 2, "only {created} uploads were answered 201");
        assert!(broken > 0, "the kills hit nothing");

        let open = data.open();
        until("every queue is empty", SETTLED, async || waiting(&open).await == 0).await;

        let client = Http::new();
        let photos = catalogue(&client, &server).await;
        let photos: BTreeMap<&str, &Photo> =
            photos.iter().map(|photo| (photo.name.as_str(), photo)).collect();
        let staying: Vec<u32> = (0..STAYING + DOOMED).filter(|number| !is_doomed(*number)).collect();
        assert_eq!(staying.len(), STAYING as usize);
        let names: BTreeSet<String> = staying.iter().map(|number| name(*number)).collect();
        assert!(photos.keys().copied().eq(names.iter().map(String::as_str)), "{:?}", photos.keys());
        assert_eq!(keys(&open, "photos-originals").await, names);
        assert_eq!(keys(&open, "photos-thumbnails").await, names);
        for number in staying {
            assert_whole(&client, &server, number, photos[name(number).as_str()]).await;
        }
        server.stop().await;
        assert!(open.take_dead_letters("photos-resize").await.expect("dead letters").is_empty());
    })
    .await;
}

/// Its bytes are those that were uploaded, its thumbnail is one, and the catalogue says so.
async fn assert_whole(client: &Http, server: &Running, number: u32, photo: &Photo) {
    let picture = jpeg_of(number);
    let stored = client.get(&server.url(&format!("/photos/{}", photo.name))).await.assert_status(200);
    assert!(stored.body == picture, "{} holds other bytes", photo.name);
    let thumbnail = client.get(&server.url(&format!("/thumbnails/{}", photo.name))).await.assert_status(200);
    let small = decode(&thumbnail.body);
    let (width, height) = size_of(number);
    assert_eq!(small.width().max(small.height()), width.max(height).min(256), "{}", photo.name);
    assert_eq!(
        (photo.state.as_str(), photo.bytes, photo.width, photo.height),
        ("ready", picture.len() as u64, Some(width), Some(height)),
        "{}",
        photo.name
    );
}
