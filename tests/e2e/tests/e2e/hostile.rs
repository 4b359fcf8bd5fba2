//! Clients that err or attack, on real sockets: the process lives, and good ones are served.

use std::time::{Duration, Instant};

use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Data, Example, Http, Raw, Running, status, within};

const LIMIT: Duration = Duration::from_secs(90);

/// How long a client may take for its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

async fn assert_well(server: &Running) {
    Http::new().get(&server.url("/healthz")).await.assert_status(200);
    Http::new().get(&server.url("/photos")).await.assert_status(200);
}

#[tokio::test]
async fn headers_that_never_end_end_the_connection() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let begun = Instant::now();
        let mut silent = Raw::connect(server.address).await;
        let mut slow = Raw::connect(server.address).await;
        assert!(slow.send("GET /photos HTTP/1.1\r\nhost: x\r\n").await);
        let dripping = async {
            // A byte now and then keeps no connection open.
            while begun.elapsed() < HEADER_TIMEOUT * 3 && slow.send("x").await {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            begun.elapsed()
        };
        let (_, dripped) = tokio::join!(silent.closed(), dripping);
        assert!(dripped >= HEADER_TIMEOUT - Duration::from_secs(1), "{dripped:?}");
        assert!(dripped < HEADER_TIMEOUT * 2, "{dripped:?}");
        assert_well(&server).await;
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn nonsense_gets_its_status_and_the_process_lives() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let long = format!("GET /photos HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(100_000));
        for (request, expected) in [
            (long.as_str(), 431),
            ("\0\u{1}\u{2}\u{3}\r\n\r\n", 400),
            ("GET /photos HTTP/7.7\r\n\r\n", 400),
            ("PUT /photos/a.jpg HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400),
            ("PUT /photos/a.jpg HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n", 400),
            ("PUT /photos/%ff HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 400),
        ] {
            let mut client = Raw::connect(server.address).await;
            client.send(request).await;
            let answered = client.closed().await;
            let shown = &request[..request.len().min(80)];
            assert_eq!(status(&answered), expected, "{shown:?}: {answered}");
        }
        assert_well(&server).await;
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_ends_early_leaves_nothing() {
    within(LIMIT, async {
        let data = Data::new();
        let server = Example::new("photos").data(data.path()).start().await;
        let client = Http::new();
        let picture = jpeg_of(3);
        let head =
            format!("PUT /photos/half.jpg HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", picture.len());
        let half = [head.as_bytes(), &picture[..picture.len() / 2]].concat();

        // One says that no more comes, one is gone.
        let mut polite = Raw::connect(server.address).await;
        assert!(polite.send(&half).await);
        polite.finish().await;
        let answered = polite.closed().await;
        assert_eq!(status(&answered), 400, "{answered}");
        let mut gone = Raw::connect(server.address).await;
        assert!(gone.send(&half).await);
        drop(gone);

        let url = server.url("/photos/half.jpg");
        client.get(&url).await.assert_status(404);
        client.put(&url, picture.clone()).await.assert_status(201);
        assert!(client.get(&url).await.assert_status(200).body == picture, "other bytes");
        assert_well(&server).await;
        server.stop().await;
    })
    .await;
}
