//! HTTP/2 as good clients speak it; what others do is in the target `floods`.

use skyport_hostile::h2::{END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, get};
use skyport_hostile::{Raw, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_http_2_is_served() {
    for stage in Stage::each().await {
        let mut client = Raw::connect(stage.address).await;
        let asked = [
            PREFACE,
            &frame(SETTINGS, 0, 0, &[]),
            &frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/query?name=two")),
        ];
        assert!(client.send(asked.concat()).await);
        let mut said = Vec::new();
        while !said.windows(5).any(|bytes| bytes == b"\"two\"") {
            let some = client.read().await;
            assert!(!some.is_empty(), "{}: it hung up", stage.name);
            said.extend(some);
        }
        stage.stop().await;
    }
}
