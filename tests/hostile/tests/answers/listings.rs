//! Listings that say that they go on, and do not get on.

use skyport_core::ErrorKind;
use skyport_hostile::clouds::buckets;
use skyport_stub::{answer, served};

/// A page of a listing that is followed by another, in the words of each cloud: with one object on it, or with none.
fn page(target: &str, object: bool) -> String {
    let time = "2026-11-26T13:03:16.192Z";
    if target.contains("list-type=2") {
        let contents = format!(
            "<Contents><Key>a</Key><Size>1</Size><ETag>e</ETag><LastModified>{time}</LastModified></Contents>"
        );
        let contents = if object { contents.as_str() } else { "" };
        return format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>{contents}</ListBucketResult>"
        );
    }
    if target.contains("comp=list") {
        let blob = "<Blob><Name>a</Name><Properties><Last-Modified>Wed, 21 Oct 2015 07:28:00 GMT</Last-Modified><Etag>0x8D</Etag>\
                    <Content-Length>1</Content-Length></Properties></Blob>";
        let blob = if object { blob } else { "" };
        return format!(
            "<EnumerationResults><Blobs>{blob}</Blobs><NextMarker>m</NextMarker></EnumerationResults>"
        );
    }
    let item = format!("{{\"name\":\"a\",\"generation\":\"1\",\"size\":\"1\",\"timeCreated\":\"{time}\"}}");
    let items = if object { item.as_str() } else { "" };
    format!("{{\"items\":[{items}],\"nextPageToken\":\"t\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_goes_round_in_a_circle_ends_with_an_error() {
    for object in [true, false] {
        let (url, log) = served(move |asked, _| answer(200, page(&asked.target, object))).await;
        for (cloud, bucket) in buckets(&url) {
            let before = log.all().len();
            let error = bucket.list().collect(1_000_000).await.expect_err("it never ends");
            assert!(matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Internal), "{cloud}: {error}");
            let asked = log.all().len() - before;
            assert!(asked < 10, "{cloud}: it was asked {asked} times");
        }
    }
}
