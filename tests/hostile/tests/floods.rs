//! HTTP/2 frame by frame: headers that never end, streams that are reset as soon as they begin, more of them than are allowed, and frames that
//! ask for work and carry nothing.
//!
//! Alone in its process: what the system tells is the memory of the whole process.
#![allow(clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::time::Duration;

use skyport_hostile::h2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, get, header,
};
use skyport_hostile::{Growth, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More of what comes back is not looked at.
const MOST_READ: usize = 4 << 20;

/// What an attack came to.
#[derive(Debug, Default)]
struct Outcome {
    /// Bytes that the server took before it hung up, or the attack was over.
    sent: usize,
    /// Whether the server hung up.
    closed: bool,
    /// Frames that came back, by their type.
    back: Vec<u8>,
}

/// Sends what `next` makes, again and again, until the server hangs up, or so many bytes are sent. What comes back is read meanwhile.
async fn attack(stage: &Stage, first: &[u8], most: usize, mut next: impl FnMut(u32) -> Vec<u8>) -> Outcome {
    let stream = TcpStream::connect(stage.address).await.expect("connects");
    let (mut from, mut to) = stream.into_split();
    let reading = tokio::spawn(async move {
        let (mut said, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        // A reset is an end, too.
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let room = MOST_READ.saturating_sub(said.len());
            said.extend_from_slice(&buffer[..read.min(room)]);
        }
        said
    });
    let mut begun = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    begun.extend(first);
    let mut outcome = Outcome { closed: to.write_all(&begun).await.is_err(), ..Outcome::default() };
    let mut round = 0;
    while outcome.sent < most && !outcome.closed {
        let piece: Vec<u8> = (0..64).flat_map(|step| next(round * 64 + step)).collect();
        round += 1;
        outcome.sent += piece.len();
        outcome.closed = to.write_all(&piece).await.is_err();
    }
    // Where the server has hung up, there is nobody to tell.
    drop(to.shutdown().await);
    let said = reading.await.expect("no panic");
    let mut rest = &said[..];
    while let [a, b, c, kind, ..] = *rest {
        outcome.back.push(kind);
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    outcome
}

/// The server is as well after an attack as before, and has not grown.
async fn survived<F: Future<Output = Outcome>>(stage: &Stage, name: &str, attack: F) -> Outcome {
    const ROOM: u64 = 96 << 20;
    let growth = Growth::new();
    // Nothing of this is measured by time: it is a limit for a test that hangs.
    let outcome = tokio::time::timeout(Duration::from_secs(240), attack).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{}: {name} has not ended", stage.name));
    growth.assert_below(ROOM, &format!("{}: {name}", stage.name));
    stage.assert_well().await;
    outcome
}

/// Twice this has been sent where a flood is not cut off.
const FLOOD: usize = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_flood_of_frames_takes_memory_or_keeps_others_out() {
    let (mut tried, growth) = (0, Growth::new());
    for stage in Stage::each().await {
        let stage = &stage;
        let open = |id: u32, path: &str| frame(HEADERS, END_HEADERS | END_STREAM, id, &get(path));
        let id = |n: u32| 2 * n + 1;

        // Headers that go on and on in CONTINUATION.
        let begun = frame(HEADERS, END_STREAM, 1, &get("/seen/a"));
        let more = header(false, "x-more", &"y".repeat(4_000));
        let endless = attack(stage, &begun, FLOOD, |_| frame(CONTINUATION, 0, 1, &more));
        let outcome = survived(stage, "continuation", endless).await;
        assert!(outcome.closed || outcome.back.contains(&GOAWAY), "{outcome:?}");

        let empty = attack(stage, &begun, FLOOD, |_| frame(CONTINUATION, 0, 1, &[]));
        let outcome = survived(stage, "empty continuation", empty).await;
        assert!(outcome.closed || outcome.back.contains(&GOAWAY), "{outcome:?}");

        // Streams that end as soon as they begin.
        let reset = attack(stage, &[], FLOOD, |n| {
            [open(id(n), "/seen/a"), frame(RST_STREAM, 0, id(n), &8_u32.to_be_bytes())].concat()
        });
        let outcome = survived(stage, "rapid reset", reset).await;
        assert!(outcome.closed || outcome.back.contains(&GOAWAY), "{outcome:?}");

        // Streams whose bodies never come: no more of them than the server has said.
        let many = attack(stage, &[], 1 << 18, |n| frame(HEADERS, END_HEADERS, id(n), &get("/seen/a")));
        let outcome = survived(stage, "many streams", many).await;
        assert!(
            outcome.closed || outcome.back.iter().any(|kind| [RST_STREAM, GOAWAY].contains(kind)),
            "{outcome:?}"
        );

        // A table entry of 4,000 bytes, told as one byte again and again: 40 MB of headers in 10 KB.
        let bomb = |n: u32| {
            let mut block = get("/seen/a");
            if n == 0 {
                block.extend(header(true, "x-bomb", &"y".repeat(4_000)));
            }
            block.extend(vec![0xbe; 10_000]);
            frame(HEADERS, END_HEADERS | END_STREAM, id(n), &block)
        };
        survived(stage, "header bomb", attack(stage, &[], FLOOD, bomb)).await;

        // Frames that ask for an answer, or for nothing.
        let settings = attack(stage, &[], FLOOD, |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]));
        survived(stage, "settings", settings).await;
        survived(stage, "pings", attack(stage, &[], FLOOD, |_| frame(PING, 0, 0, &[0; 8]))).await;
        let data = frame(HEADERS, END_HEADERS, 1, &get("/seen/a"));
        survived(stage, "empty data", attack(stage, &data, FLOOD, |_| frame(DATA, 0, 1, &[]))).await;
        let windows =
            attack(stage, &data, FLOOD, |_| frame(WINDOW_UPDATE, 0, 1, &0x7fff_ffff_u32.to_be_bytes()));
        survived(stage, "windows", windows).await;
        let nonsense = attack(stage, &[], FLOOD, |n| frame((n % 251) as u8, (n % 256) as u8, n, &[0xff; 64]));
        survived(stage, "nonsense", nonsense).await;
        let huge = attack(stage, &[], FLOOD, |_| frame(DATA, 0, 1, &[0; 1 << 20])[..9].to_vec());
        survived(stage, "frames too long", huge).await;
        tried += 11;
    }
    let more = growth.figure();
    skyport_figures::record("hostile::streams", &format!("{tried} floods of HTTP/2 frames, {more}"));
}
