//! The providers of clouds, in front of a service that a test plays.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use http::Response;
use skyport_aws::{Aws, AwsConfig};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::Token;
use skyport_core::blob::Bucket;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_gcp::{Gcp, GcpConfig};

fn aws(endpoint: &str) -> Aws {
    let mut config = AwsConfig::default();
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(endpoint.to_owned());
    let credentials = Credentials::new("AKIDSTUB", "the-secret", None, None, "tests");
    config.credentials = Some(SharedCredentialsProvider::new(credentials));
    Aws::with(config)
}

fn gcp(endpoint: &str) -> Gcp {
    let mut config = GcpConfig::default();
    config.project = Some("p".to_owned());
    config.storage_endpoint = Some(endpoint.to_owned());
    Gcp::with(config)
}

fn azure(endpoint: &str) -> Azure {
    let mut config = AzureConfig::default();
    config.account = Some("acc".to_owned());
    config.account_key = Some("a2V5".to_owned());
    config.blob_endpoint = Some(endpoint.to_owned());
    config.queue_endpoint = Some(endpoint.to_owned());
    config.table_endpoint = Some(endpoint.to_owned());
    Azure::with(config)
}

/// The bucket `bkt` of each cloud, at an endpoint.
///
/// # Panics
/// Where it cannot be opened.
#[must_use]
pub fn buckets(endpoint: &str) -> [(&'static str, Bucket); 3] {
    let open = |provider: &dyn Provider, scheme| {
        Bucket::new(provider.bucket(&ResourceUrl::new(scheme, "bkt")).expect("opens"))
    };
    [
        ("aws", open(&aws(endpoint), "s3")),
        ("gcp", open(&gcp(endpoint), "gs")),
        ("azure", open(&azure(endpoint), "azblob")),
    ]
}

/// The queue `jobs` of the clouds whose queues speak HTTP/1.
///
/// # Panics
/// Where it cannot be opened.
#[must_use]
pub fn queues(endpoint: &str) -> [(&'static str, Arc<dyn MessageQueue>); 2] {
    let settings = QueueSettings::default();
    let open = |provider: &dyn Provider, scheme| {
        provider.queue(&ResourceUrl::new(scheme, "jobs"), &settings).expect("opens")
    };
    [("aws", open(&aws(endpoint), "sqs")), ("azure", open(&azure(endpoint), "azqueue"))]
}

/// The table `items` of the clouds whose tables speak HTTP/1.
///
/// # Panics
/// Where it cannot be opened.
#[must_use]
pub fn tables(endpoint: &str) -> [(&'static str, Arc<dyn KeyValueStore>); 2] {
    let settings = TableSettings::default();
    let open = |provider: &dyn Provider, scheme| {
        provider.table(&ResourceUrl::new(scheme, "items"), &settings).expect("opens")
    };
    [("aws", open(&aws(endpoint), "dynamodb")), ("azure", open(&azure(endpoint), "aztable"))]
}

/// An object of so many bytes, as each cloud tells of one.
///
/// # Panics
/// Where one of the headers is none.
#[must_use]
pub fn object(length: usize, body: impl Into<Bytes>) -> Response<Bytes> {
    let answer = Response::builder()
        .header("etag", "\"0x8D\"")
        .header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("content-type", "text/plain")
        .header("content-length", length)
        .header("x-goog-generation", "7")
        .header("x-goog-meta-skyport_w", Token::new().to_string())
        .header("x-goog-stored-content-length", length)
        .header("x-ms-blob-type", "BlockBlob");
    answer.body(body.into()).expect("an answer")
}
