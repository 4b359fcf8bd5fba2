//! Objects larger than memory should be.

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::Method;
use http_body_util::BodyExt;
use skyport::Body;
use skyport_e2e::{Data, Example, Http, Pattern, peak_memory, request, within};

/// The object.
const BYTES: u64 = 2 << 30;

/// What a process may take for it.
const MOST_MEMORY: u64 = 100 << 20;

fn assert_small(peak: u64) {
    // A process cannot be smaller than this: the number is one.
    assert!(peak > 1 << 20, "{peak} bytes");
    assert!(peak < MOST_MEMORY, "{} MiB at its peak", peak >> 20);
}

#[tokio::test]
async fn two_gibibytes_stream_in_and_out_through_the_server() {
    within(Duration::from_secs(120), async {
        let data = Data::new();
        let server = Example::new("files").data(data.path()).start().await;
        let client = Http::new();
        let url = server.url("/files/film");

        let mut pattern = Pattern::new();
        let blocks = stream::iter(pattern.blocks(BYTES)).map(Ok::<_, std::io::Error>);
        client.put(&url, Body::from_stream(blocks)).await.assert_status(204);

        let answer = client.open(request(Method::GET, &url, Body::default())).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let length = answer.headers().get("content-length").expect("a length").to_str().expect("text");
        assert_eq!(length, BYTES.to_string());
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(bytes) = frame.expect("the body goes on").into_data() {
                pattern.check(&bytes);
            }
        }
        assert_eq!(pattern.position(), BYTES);
        assert_small(peak_memory(server.id()));

        client.delete(&url).await.assert_status(204);
        client.get(&url).await.assert_status(404);
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn two_gibibytes_stream_in_and_out_of_local() {
    within(Duration::from_secs(120), async {
        let data = Data::new();
        let program = Path::new(env!("CARGO_BIN_EXE_stream-local"));
        let streamed = Example::program("stream-local", program)
            .argument(data.path())
            .argument(BYTES.to_string())
            .run()
            .await
            .assert_code(0);
        assert_small(streamed.stdout.trim().parse().expect("a number of bytes"));
    })
    .await;
}
