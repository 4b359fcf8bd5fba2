//! Bodies that lie about their length, and what smuggles one request in another.

use skyport_hostile::{Raw, Seen, Stage};

/// What becomes of bytes.
enum Fate {
    /// A client's error is answered, and no handler has had the whole of a body.
    Refused,
    /// These bodies have come, in order, and then the connection's rest is refused or nothing.
    Bodies(&'static [&'static str]),
}

use Fate::{Bodies, Refused};

/// A POST with these lines among its headers.
fn post(lines: &str, body: &str) -> String {
    format!("POST /seen/a HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n{body}")
}

/// What stands behind the first request: taken for a request of its own where the first one ends before.
const INNER: &str = "GET /seen/inner HTTP/1.1\r\nhost: x\r\n\r\n";

fn lengths() -> Vec<(String, Fate)> {
    let mut all = Vec::new();
    for wrong in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 6\r\ncontent-length: 5",
        "content-length: 5, 6",
        "content-length: 5, 5",
        "content-length: +5",
        "content-length: -5",
        "content-length: -0",
        "content-length: 0x5",
        "content-length: 5 5",
        "content-length: 5.0",
        "content-length: 5e0",
        "content-length: 5;",
        "content-length: \"5\"",
        "content-length: five",
        "content-length:",
        "content-length: 18446744073709551616",
        "content-length: 99999999999999999999999999",
        "content-length : 5",
        "content length: 5",
        "content-length\t: 5",
        "content-length: 5\0",
        "content-length: 5\r",
        ": 5",
        "content-length: 5\r\n 6",
    ] {
        all.push((post(wrong, "hello"), Refused));
    }
    // What is longer than can be, or than the route takes, is refused before it comes.
    for long in ["1001", "18446744073709551612", "9223372036854775808"] {
        all.push((post(&format!("content-length: {long}"), "hello"), Refused));
    }
    all.push((post("content-length: 100", "too short"), Refused));
    all.push((post("content-length: 0", INNER), Bodies(&["", ""])));
    all.push((post("x: 1", INNER), Bodies(&["", ""])));
    // What is over belongs to no body, and is no request.
    all.push((post("content-length: 5", "hello, and more of it"), Bodies(&["hello"])));
    all.push((post("content-length: 005", "hello"), Bodies(&["hello"])));
    all.push((post("content-length: 5\r\ncontent-length: 5", "hello"), Bodies(&["hello"])));
    all
}

fn codings() -> Vec<(String, Fate)> {
    let chunked = "5\r\nhello\r\n0\r\n\r\n";
    let mut all = Vec::new();
    for wrong in [
        "transfer-encoding: identity",
        "transfer-encoding: gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunkedx",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding:",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding:\r\n chunked",
        "transfer-encoding: chunked\0",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding: chunk\u{e9}d",
    ] {
        all.push((post(wrong, chunked), Refused));
    }
    all.push((
        format!("POST /seen/a HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"),
        Refused,
    ));
    all.push((post("transfer-encoding: chunked", chunked), Bodies(&["hello"])));
    all.push((post("Transfer-Encoding: CHUNKED", chunked), Bodies(&["hello"])));
    // Where both are told the coding counts (RFC 9112, 6.3), in whatever order: never the length.
    for both in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "content-length: 4\r\ntransfer-encoding: chunked\r\ncontent-length: 5",
    ] {
        all.push((post(both, chunked), Bodies(&["hello"])));
    }
    all
}

fn chunks() -> Vec<(String, Fate)> {
    let mut all = Vec::new();
    for wrong in [
        "zzz\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhello, longer\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n-0\r\n\r\n",
        "5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
        "3e9\r\nhello",
        ";\r\n",
        "",
    ] {
        all.push((post("transfer-encoding: chunked", wrong), Refused));
    }
    let extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x=y;".repeat(20_000));
    let pieces = format!("{}0\r\n\r\n", format!("1;{}\r\nx\r\n", "e".repeat(64)).repeat(600));
    let trailers = format!("5\r\nhello\r\n0\r\n{}\r\n", "x-more: trailers\r\n".repeat(10_000));
    for flood in [extension, pieces, trailers] {
        all.push((post("transfer-encoding: chunked", &flood), Refused));
    }
    let after = format!("5\r\nhello\r\n0\r\n\r\n{INNER}");
    all.push((post("transfer-encoding: chunked", &after), Bodies(&["hello", ""])));
    all.push((
        post("transfer-encoding: chunked", "00005;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n"),
        Bodies(&["hello"]),
    ));
    all.push((post("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\nand more"), Bodies(&["hello"])));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_taken_for_longer_or_shorter_than_it_is_and_none_hides_a_request() {
    let mut tried = 0;
    for stage in Stage::each().await {
        for (request, fate) in lengths().into_iter().chain(codings()).chain(chunks()) {
            tried += 1;
            let said = Raw::exchange(stage.address, &request).await;
            let (seen, statuses) = (stage.take_seen(), said.statuses());
            let shown =
                format!("{}: {:?}: {statuses:?} {seen:?}", stage.name, &request[..request.len().min(160)]);
            let whole: Vec<&[u8]> = seen.iter().filter_map(|seen| seen.body.as_deref()).collect();
            match fate {
                Refused => {
                    assert!(matches!(statuses[..], [400 | 413 | 431]), "{shown}");
                    assert!(whole.is_empty(), "{shown}");
                }
                Bodies(bodies) => {
                    let bodies: Vec<&[u8]> = bodies.iter().map(|body| body.as_bytes()).collect();
                    assert_eq!(whole, bodies, "{shown}");
                    let (served, rest) = statuses.split_at_checked(bodies.len()).expect(&shown);
                    assert!(served.iter().all(|status| *status == 200), "{shown}");
                    assert!(matches!(rest, [] | [400]), "{shown}");
                }
            }
        }
        stage.assert_well().await;
        stage.stop().await;
    }
    skyport_figures::record("hostile::lengths", &format!("{tried} bodies that lie about their length"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_packed_is_handed_over_as_it_is_and_counts_as_what_was_sent() {
    use std::io::Write as _;

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&[0; 1 << 20]).expect("packed");
    }
    let packed = packed.finish().expect("packed");
    // 64 MiB, in more bytes than the route takes: so a piece of it, which unpacks to as much as it can.
    let piece = &packed[..1_000];
    for stage in Stage::each().await {
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
            let head = format!(
                "POST /seen/packed HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
                piece.len()
            );
            let said = Raw::exchange(stage.address, [head.as_bytes(), piece].concat()).await;
            assert_eq!(said.statuses(), [200], "{}: {}", stage.name, said.text());
            let noted = Seen { line: "POST /seen/packed".to_owned(), body: Some(piece.to_vec()) };
            assert_eq!(stage.take_seen(), [noted]);
        }
        stage.stop().await;
    }
}
