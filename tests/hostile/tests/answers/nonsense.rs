//! Answers that are nested without end, define themselves by themselves, or are no answers.

use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::kv::port::{Key, QueryOptions};
use skyport_core::queue::port::ReceiveOptions;
use skyport_hostile::clouds::{buckets, queues, tables};
use skyport_stub::{answer, served};

/// Entities that unpack to gigabytes: ten times ten times ten..
fn laughs() -> String {
    let mut text = String::from("<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY l0 \"ha\">");
    for n in 1..12 {
        text.push_str(&format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)));
    }
    text.push_str("]>");
    text
}

fn bodies() -> Vec<Vec<u8>> {
    let laughs = laughs();
    let mut all: Vec<Vec<u8>> = vec![
        format!("{laughs}<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>&l11;</Key></Contents></ListBucketResult>"),
        format!("{laughs}<EnumerationResults><Blobs><Blob><Name>&l11;</Name></Blob></Blobs><NextMarker/></EnumerationResults>"),
        format!("{laughs}<QueueMessagesList><QueueMessage><MessageText>&l11;</MessageText></QueueMessage></QueueMessagesList>"),
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ListBucketResult><Contents><Key>&x;</Key></Contents></ListBucketResult>".to_owned(),
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><EnumerationResults><Blobs><Blob><Name>&x;</Name></Blob></Blobs></EnumerationResults>".to_owned(),
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><QueueMessagesList><QueueMessage><MessageText>&x;</MessageText></QueueMessage></QueueMessagesList>".to_owned(),
        "<a>".repeat(200_000),
        format!("<EnumerationResults>{}", "<Blobs>".repeat(200_000)),
        format!("<ListBucketResult>{}", "<Contents>".repeat(200_000)),
        format!("<QueueMessagesList>{}", "<QueueMessage>".repeat(200_000)),
        format!("<a {}>", "x=\"y\" ".repeat(100_000)),
        "[".repeat(500_000),
        "{\"a\":".repeat(300_000),
        format!("{{\"items\":{}", "[".repeat(300_000)),
        format!("{{\"value\":{}", "[".repeat(300_000)),
        format!("{{\"Item\":{}", "{\"v\":{\"M\":".repeat(200_000)),
        format!("{{\"Messages\":[{}", "{\"Body\":".repeat(200_000)),
        format!("{{\"QueueUrl\":{}", "[".repeat(300_000)),
        format!("\"{}", "\\u0000".repeat(300_000)),
        "1".repeat(1_000_000),
        format!("1e{}", "9".repeat(100_000)),
        "{\"items\":7}".to_owned(),
        "{\"value\":7}".to_owned(),
        "<html>no service at all</html>".to_owned(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    all.extend([b"\xff\xfe\x00<".to_vec(), vec![0; 100_000], vec![0xc0; 100_000]]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_service_says_ends_the_process_or_is_believed() {
    let (mut tried, passwd) = (0, std::fs::read_to_string("/etc/passwd").unwrap_or_default());
    let root = passwd.lines().next().unwrap_or("root:x:0:0");
    for (n, body) in bodies().into_iter().enumerate() {
        let (url, _) = served(move |_, _| answer(200, body.clone())).await;
        for (cloud, bucket) in buckets(&url) {
            tried += 1;
            match bucket.list().page().await {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Malformed, "{cloud}: body {n}: {error}");
                    assert!(!format!("{error:#?}").contains(root), "{cloud}: body {n}");
                }
                // S3's client passes over what it does not know: then there is nothing on the page.
                Ok(page) => {
                    assert!(page.entries.is_empty() && page.next.is_none(), "{cloud}: body {n}: {page:?}")
                }
            }
        }
        for (cloud, queue) in queues(&url) {
            tried += 1;
            let asked = ReceiveOptions::new(1, Duration::ZERO, Duration::from_secs(60));
            match queue.receive(asked).await {
                Err(error) => assert!(!format!("{error:#?}").contains(root), "{cloud}: body {n}"),
                Ok(received) => assert!(received.is_empty(), "{cloud}: body {n}: {received:?}"),
            }
        }
        for (cloud, table) in tables(&url) {
            tried += 2;
            match table.get(&Key::new("p", "s")).await {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Malformed, "{cloud}: body {n}: {error}"),
                Ok(found) => assert!(found.is_none(), "{cloud}: body {n}: {found:?}"),
            }
            match table.query(QueryOptions::new("p", 10)).await {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Malformed, "{cloud}: body {n}: {error}"),
                Ok(page) => assert!(page.items.is_empty(), "{cloud}: body {n}: {page:?}"),
            }
        }
    }
    skyport_figures::record("hostile::answers", &format!("{tried} answers that are nonsense"));
}
