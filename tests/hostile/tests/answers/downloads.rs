//! Downloads whose bodies are not as long as their answers say.

use skyport_core::Token;
use skyport_hostile::clouds::{buckets, object};
use skyport_stub::{Answer, served};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a service does once it has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Keeps,
    Closes,
}

/// The URL of a service that answers each request with these bytes, whatever they are, and then keeps or closes the connection.
async fn saying(bytes: Vec<u8>, after: After) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let (mut asked, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    asked.extend_from_slice(&buffer[..read]);
                    // Requests without a body, one after the other.
                    if asked.ends_with(b"\r\n\r\n") {
                        asked.clear();
                        if stream.write_all(&bytes).await.is_err() || after == After::Closes {
                            return;
                        }
                    }
                }
            });
        }
    });
    url
}

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
    let short = format!("{}abc", head("content-length: 9\r\nconnection: close"));
    let url = saying(short.into_bytes(), After::Closes).await;
    for (cloud, bucket) in buckets(&url) {
        let read = bucket.get("k").range(0..9).bytes().await;
        assert!(read.is_err(), "{cloud}: {read:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_download_that_is_longer_than_it_says_no_byte_more_is_read_nor_taken_for_the_next_answer() {
    let forged = format!("{}abc", head("content-length: 3").replace("0x8D", "forged"));
    for over in ["and more", forged.as_str()] {
        let url = saying(format!("{}abc{over}", head("content-length: 3")).into_bytes(), After::Keeps).await;
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
        let url = saying(format!("{}abcd", head(lines)).into_bytes(), After::Closes).await;
        for (cloud, bucket) in buckets(&url) {
            tried += 1;
            let read = bucket.get("k").bytes().await;
            assert!(read.is_err(), "{cloud}: {lines}: {read:?}");
        }
    }
    for garbage in [
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "HTTP/9.9 200\r\n\r\n",
        "HTTP/1.1 999999 X\r\n\r\n",
    ] {
        let url = saying(garbage.as_bytes().to_vec(), After::Closes).await;
        for (cloud, bucket) in buckets(&url) {
            tried += 1;
            assert!(bucket.get("k").bytes().await.is_err(), "{cloud}: {garbage:?}");
        }
    }
    let flood = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-more: headers\r\n".repeat(200_000));
    let url = saying(flood.into_bytes(), After::Closes).await;
    for (cloud, bucket) in buckets(&url) {
        tried += 1;
        assert!(bucket.get("k").bytes().await.is_err(), "{cloud}");
    }
    skyport_figures::record(
        "hostile::downloads",
        &format!("{tried} answers that lie about their length or are none"),
    );
}
