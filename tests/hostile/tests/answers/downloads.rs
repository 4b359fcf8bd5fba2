//! Downloads whose bodies are not as long as their answers say.

use skyport_core::Token;
use skyport_stub::{Answer, served};

use crate::clouds::{buckets, object, saying};

/// The head of an answer with an object of so many bytes, as text.
fn head(lines: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\netag: \"0x8D\"\r\nlast-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nx-goog-generation: 7\r\n\
         x-goog-stored-content-length: 3\r\nx-goog-meta-skyport_w: {}\r\nx-ms-blob-type: BlockBlob\r\n{lines}\r\n\r\n",
        Token::new()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_shorter_than_it_says_is_never_taken_for_whole() {
    let (url, _) = served(|_, _| Answer::Cut(object(9, "abc"))).await;
    for (cloud, bucket) in buckets(&url) {
        let read = bucket.get("k").bytes().await;
        assert!(read.is_err(), "{cloud}: {read:?}");
    }
    let url = saying(format!("{}abc", head("content-length: 9\r\nconnection: close")).into_bytes()).await;
    for (cloud, bucket) in buckets(&url) {
        // The service keeps the connection open: what ends it is the limit of silence, which the test does not wait for.
        let reading = bucket.get("k").range(0..9).bytes();
        let waited = tokio::time::timeout(std::time::Duration::from_secs(1), reading).await;
        assert!(!matches!(waited, Ok(Ok(_))), "{cloud}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_download_that_is_longer_than_it_says_no_byte_more_is_read_nor_taken_for_the_next_answer() {
    let forged = format!("{}abc", head("content-length: 3").replace("0x8D", "forged"));
    for over in ["and more", forged.as_str()] {
        let url = saying(format!("{}abc{over}", head("content-length: 3")).into_bytes()).await;
        for (cloud, bucket) in buckets(&url) {
            for _ in 0..3 {
                let object = bucket.get("k").await.unwrap_or_else(|error| panic!("{cloud}: {error}"));
                assert!(!object.etag().as_str().contains("forged"), "{cloud}");
                assert_eq!(object.bytes().await.expect("three bytes"), "abc", "{cloud}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_length_is_told_twice_or_is_none_is_an_error() {
    let mut tried = 0;
    for lines in [
        "content-length: 3\r\ncontent-length: 4",
        "content-length: -3",
        "content-length: three",
        "content-length: 18446744073709551616",
        "transfer-encoding: chunked, identity\r\nconnection: close",
    ] {
        let url = saying(format!("{}abcd", head(lines)).into_bytes()).await;
        for (cloud, bucket) in buckets(&url) {
            tried += 1;
            let read = tokio::time::timeout(std::time::Duration::from_secs(2), bucket.get("k").bytes()).await;
            assert!(!matches!(&read, Ok(Ok(_))), "{cloud}: {lines}: {read:?}");
        }
    }
    for garbage in [
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "HTTP/9.9 200\r\n\r\n",
        "HTTP/1.1 999999 X\r\n\r\n",
    ] {
        let url = saying(garbage.as_bytes().to_vec()).await;
        for (cloud, bucket) in buckets(&url) {
            tried += 1;
            assert!(bucket.get("k").bytes().await.is_err(), "{cloud}: {garbage:?}");
        }
    }
    let flood = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-more: headers\r\n".repeat(200_000));
    let url = saying(flood.into_bytes()).await;
    for (cloud, bucket) in buckets(&url) {
        tried += 1;
        assert!(bucket.get("k").bytes().await.is_err(), "{cloud}");
    }
    skyport_figures::record(
        "hostile::downloads",
        &format!("{tried} answers that lie about their length or are none"),
    );
}
