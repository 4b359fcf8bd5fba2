//! Refusals that are longer than anybody wants to read.

use skyport_hostile::clouds::buckets;
use skyport_stub::{answer, served};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_any_length_costs_little_and_is_told_in_one_line() {
    let long = "a refusal of many words ".repeat(200_000);
    let (url, _) = served(move |_, _| {
        let xml = format!("<Error><Code>Weird</Code><Message>{long}\r\nnext line</Message></Error>");
        answer(400, xml)
    })
    .await;
    for (cloud, bucket) in buckets(&url) {
        let error = bucket.list().page().await.expect_err("refused");
        let told = error.to_string();
        assert!(told.len() < 4_096 && !told.contains('\n'), "{cloud}: {} bytes", told.len());
        assert!(format!("{error:?}{error:#?}").len() < 16_384, "{cloud}");
    }
}
