//! Load: a thousand connections at once, a backlog of a hundred thousand messages, and clients that only hold the door. The server's memory stays
//! bounded, it says so when it is too much, and it stops in time; nothing that was accepted is lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use skyport_e2e::{Data, Example, Http, Raw, Running, peak_memory, status, until, within};

/// These guard against what hangs: the backlog's says before the test's what is missing.
const LIMIT: Duration = Duration::from_secs(900);
const WORKED_OFF: Duration = Duration::from_secs(500);

/// Messages that wait when the server starts.
const BACKLOG: u32 = 100_000;

/// Connections of each kind: a thousand in all.
const UPLOADS: usize = 300;
const READERS: usize = 400;
const IDLE: usize = 300;

/// Connections that never come to the point.
const LORIS: usize = 1_000;

/// The most requests at work: as many as there are uploads, so that one more is too much.
const REQUESTS: &str = "300";

/// How long the server may take to end its work, and what it may take besides on a machine that does much else.
const GRACE: Duration = Duration::from_secs(4);
const MARGIN: Duration = Duration::from_secs(25);

/// The most memory of the server, in a build without optimisation.
const MEMORY: u64 = 150 << 20;

/// Of an upload, before the server knows that it is there, and after.
const FIRST: usize = 10_000;
const REST: usize = 30_000;

/// A byte, after reads were shed, and before and after those come that only dawdle.
const DRIPS: usize = 3;

/// This process and those that it starts need a file for each connection.
fn allow_files(files: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < files) {
        let raised = Rlimit {
            current: limit.maximum.map_or(Some(files), |most| Some(files.min(most))),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).expect("within what is allowed");
    }
    let now = getrlimit(Resource::Nofile).current;
    assert!(
        now.is_none_or(|now| now >= files),
        "this test needs {files} open files, and {now:?} are allowed"
    );
}

fn crowd(data: &Data) -> Example {
    Example::program("crowd", Path::new(env!("CARGO_BIN_EXE_crowd")))
        .data(data.path())
        .variable("SKYPORT_MAX_REQUESTS", REQUESTS)
        .variable("SKYPORT_GRACE", &format!("{}s", GRACE.as_secs()))
}

/// Puts the whole backlog into the queue.
async fn fill(data: &Data) {
    crowd(data).variable("SKYPORT_COMMAND", "provision").run().await.assert_code(0);
    let queue = data.open().queue("crowd-backlog");
    let numbers: Vec<serde_json::Value> = (0..BACKLOG).map(Into::into).collect();
    for some in numbers.chunks(5_000) {
        for sent in queue.send_all(some).await {
            sent.expect("sent");
        }
    }
}

/// Opens so many connections, some at a time, and does the same on each.
async fn open<F: Future<Output = Raw>>(count: usize, each: impl Fn(usize) -> F) -> Vec<Raw> {
    stream::iter((0..count).map(each)).buffered(50).collect().await
}

/// An upload whose handler runs, and which is not whole.
async fn begin_upload(server: &Running, number: usize) -> Raw {
    let mut upload = Raw::connect(server.address).await;
    let length = FIRST + REST;
    let head = format!(
        "PUT /files/{number} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    );
    assert!(upload.send(head).await);
    // Its handler asks for the body.
    upload.read_until("100 Continue\r\n\r\n").await;
    assert!(upload.send("x".repeat(FIRST)).await);
    upload
}

async fn finish_upload(upload: &mut Raw) {
    assert!(upload.send("y".repeat(REST)).await);
    let answered = upload.read_until("\r\n\r\n").await;
    assert_eq!(status(&answered), 204, "{answered}");
}

const READ: &str = "GET /files/known HTTP/1.1\r\nhost: x\r\n\r\n";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// Asks once; what was answered.
async fn ask_one(client: &mut Raw, request: &str, ends: &[&str]) -> u16 {
    assert!(client.send(request).await, "a connection is closed");
    let answered = client.read_until_any(ends).await;
    let status = status(&answered);
    assert!(status != 503 || answered.contains("\r\nretry-after: 1\r\n"), "{answered}");
    status
}

/// Asks on each connection once, some at a time; what each was answered.
async fn ask(clients: &mut [Raw], request: &str, ends: &[&str]) -> Vec<u16> {
    let asking = clients.iter_mut().map(|client| ask_one(client, request, ends));
    stream::iter(asking).buffered(50).collect().await
}

/// A connection that is served at once: one that is silent at its beginning would be given up, where the others take long.
async fn begin(server: &Running, request: &str, ends: &[&str]) -> Raw {
    let mut client = Raw::connect(server.address).await;
    assert_eq!(ask_one(&mut client, request, ends).await, 200);
    client
}

/// Asks whether the server is well until it is told to stop; how often that was answered, and the longest wait.
async fn watch(server: &Running, stop: &AtomicBool) -> (u32, Duration) {
    let (url, client) = (server.url("/healthz"), Http::new());
    let (mut asked, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        client.get(&url).await.assert_status(200);
        (asked, longest) = (asked + 1, longest.max(begun.elapsed()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (asked, longest)
}

/// The numbers that were worked off.
async fn done(data: &Data) -> BTreeSet<u32> {
    let table = data.open().table::<u32>("crowd-done");
    // One more than there are would show, too.
    let entries = table.query("done").limit(BACKLOG as usize + 1).collect().await.expect("a query");
    entries.iter().map(|entry| entry.value).collect()
}

/// What the clients held and saw.
struct Held {
    /// Those that are not whole.
    uploads: Vec<Raw>,
    others: [Vec<Raw>; 3],
    shed: usize,
}

/// All connections are there at once; requests that are too many are told so, and served once there is room.
async fn crowd_in(server: &Running) -> Held {
    Http::new().put(&server.url("/files/known"), "known").await.assert_status(204);
    let mut idle = open(IDLE, |_| begin(server, HEALTH, &["\r\n\r\nok"])).await;
    let ends = ["\r\n\r\nknown", "try again later\"}"];
    let mut readers = open(READERS, |_| begin(server, READ, &ends)).await;
    let mut uploads = open(UPLOADS, |number| begin_upload(server, number)).await;

    // Every place is taken: each read is shed at once, and its connection stays.
    let read = ask(&mut readers, READ, &ends).await;
    let shed = read.iter().filter(|status| **status == 503).count();
    assert_eq!(shed, READERS);
    drip(&mut uploads).await;
    let health = ask(&mut idle, HEALTH, &["\r\n\r\nok"]).await;
    assert!(health.iter().all(|status| *status == 200), "{health:?}");

    // With room, all are served: no more than fifty ask at once.
    let (finished, _) = uploads.split_at_mut(UPLOADS / 2);
    let finishing = finished.iter_mut().map(finish_upload);
    stream::iter(finishing).buffered(50).collect::<Vec<()>>().await;
    let read = ask(&mut readers, READ, &ends).await;
    assert!(read.iter().all(|status| *status == 200), "{read:?}");

    drip(&mut uploads).await;
    let address = server.address;
    let loris = open(LORIS, |_| async move {
        let mut client = Raw::connect(address).await;
        client.send("GET /files/known HTTP/1.1\r\nhost: x\r\nx-slow").await;
        client
    })
    .await;
    for _ in 0..20 {
        assert_eq!(Http::new().get(&server.url("/files/known")).await.assert_status(200).text(), "known");
    }
    drip(&mut uploads).await;
    Held { uploads: uploads.split_off(UPLOADS / 2), others: [readers, idle, loris], shed }
}

/// Uploads that are not whole go on a little: a client that is silent for too long is given up.
async fn drip(uploads: &mut [Raw]) {
    for upload in &mut uploads[UPLOADS / 2..] {
        assert!(upload.send("z").await);
    }
}

/// Tells the server to stop while all its clients are there. Some uploads are finished then, others never. How long it took to end, and which uploads were
/// answered as stored.
async fn stop_under_load(server: &mut Running, held: Held) -> (Duration, Vec<bool>) {
    let Held { mut uploads, others, .. } = held;
    let begun = Instant::now();
    server.terminate();
    let finishing = uploads.iter_mut().enumerate().map(|(number, upload)| async move {
        // What the drips were is a part of the rest; the server may have gone meanwhile, on a slow machine.
        let rest = if number % 2 == 0 { REST - DRIPS } else { 0 };
        let sent = upload.send("z".repeat(rest)).await;
        let answered = upload.closed().await;
        sent && answered.starts_with("HTTP/1.1 204")
    });
    let stored: Vec<bool> = stream::iter(finishing).buffered(UPLOADS).collect().await;
    assert!(server.ended().await.success(), "{}", server.log());
    let took = begun.elapsed();
    assert!(took <= GRACE + MARGIN, "{took:?}");
    for mut other in others.into_iter().flatten() {
        other.closed().await;
    }
    (took, stored)
}

/// After a restart: what was answered is there, what was not whole is not, and every message is worked off.
async fn account(data: &Data, stored: &[bool]) {
    let server = crowd(data).start().await;
    let client = Http::new();
    for (number, stored) in stored.iter().enumerate() {
        let found = client.get(&server.url(&format!("/files/{}", UPLOADS / 2 + number))).await;
        match number % 2 {
            0 if *stored => {
                let found = found.assert_status(200);
                assert_eq!(found.body.len(), FIRST + REST);
            }
            // Not answered is not refused: it may be there, and then it is whole.
            0 => assert!(found.status == 404 || found.body.len() == FIRST + REST),
            _ => drop(found.assert_status(404)),
        }
    }
    let open = data.open();
    until("the backlog is worked off", WORKED_OFF, async || {
        open.waiting("crowd-backlog").await.expect("a depth") == 0
    })
    .await;
    assert!(done(data).await.into_iter().eq(0..BACKLOG), "a message is lost");
    assert!(open.take_dead_letters("crowd-backlog").await.expect("dead letters").is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_connections_and_a_hundred_thousand_messages_are_borne_and_none_is_lost() {
    within(LIMIT, async {
        allow_files(5_000);
        let data = Data::new();
        fill(&data).await;
        let mut server = crowd(&data).start().await;
        let stop = AtomicBool::new(false);
        let (held, (asked, longest)) = tokio::join!(
            async {
                let held = crowd_in(&server).await;
                stop.store(true, Ordering::Relaxed);
                held
            },
            watch(&server, &stop)
        );
        let memory = peak_memory(server.id());
        assert!(memory <= MEMORY, "{} MiB", memory >> 20);
        let under_load = done(&data).await.len();
        assert!(under_load > 0, "the backlog stood still");

        let shed = held.shed;
        let (took, stored) = stop_under_load(&mut server, held).await;
        account(&data, &stored).await;
        skyport_figures::record(
            "load",
            &format!(
                "{} connections, {LORIS} more that dawdle, {BACKLOG} messages, {} MiB at most; {} requests shed, /healthz {asked} times 200, {} ms at most; \
                 {under_load} messages done under load, the rest after the restart; ended within {:.1} s of SIGTERM, grace {} s",
                UPLOADS + READERS + IDLE,
                memory >> 20,
                shed,
                longest.as_millis(),
                took.as_secs_f64(),
                GRACE.as_secs(),
            ),
        );
    })
    .await;
}
