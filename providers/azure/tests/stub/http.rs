//! Azure Storage as a script, over a real socket.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::response::Builder;
use skyport_azure::{Azure, AzureConfig};
use skyport_core::blob::port::BlobStore;
use skyport_core::provider::{Provider, ResourceUrl};
pub(crate) use skyport_stub::{Answer, Asked, Log, answer, served};

/// A container `bkt` whose every request is answered by `answer`.
pub(crate) async fn bucket<A, R>(answer: A) -> (Arc<dyn BlobStore>, Log)
where
    A: Fn(&Asked) -> R + Send + Sync + 'static,
    R: Into<Answer>,
{
    let (url, log) = served(move |asked, _| answer(asked)).await;
    (open(&url), log)
}

/// The container `bkt` at an endpoint.
pub(crate) fn open(endpoint: &str) -> Arc<dyn BlobStore> {
    azure(endpoint).bucket(&ResourceUrl::new("azblob", "bkt")).expect("opens")
}

/// An account at an endpoint.
pub(crate) fn azure(endpoint: &str) -> Azure {
    let mut config = AzureConfig::default();
    config.account = Some("acc".to_owned());
    config.account_key = Some("a2V5".to_owned());
    config.blob_endpoint = Some(endpoint.to_owned());
    Azure::with(config)
}

/// A refusal, as Azure Storage writes it.
pub(crate) fn refusal(status: u16, code: &str) -> Response<Bytes> {
    let text =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>It says no.</Message></Error>");
    Response::builder().status(status).header("x-ms-error-code", code).body(text.into()).unwrap()
}

/// What tells of a blob with this etag and token.
pub(crate) fn blob(status: u16, etag: &str, token: &str) -> Builder {
    Response::builder()
        .status(status)
        .header("etag", format!("\"{etag}\""))
        .header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("x-ms-meta-skyport_w", token)
}

/// A success without a body.
pub(crate) fn done(answer: Builder) -> Response<Bytes> {
    answer.body(Bytes::new()).unwrap()
}

/// A page of a listing.
pub(crate) fn page(entries: &str, marker: &str) -> Response<Bytes> {
    let text = format!(
        "<?xml version=\"1.0\"?><EnumerationResults><Blobs>{entries}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    );
    answer(200, text)
}

/// A blob on such a page.
pub(crate) fn listed(name: &str) -> String {
    format!(
        "<Blob><Name>{name}</Name><Properties><Last-Modified>Wed, 21 Oct 2015 07:28:00 GMT</Last-Modified><Etag>0x8D</Etag>\
         <Content-Length>1</Content-Length></Properties></Blob>"
    )
}
