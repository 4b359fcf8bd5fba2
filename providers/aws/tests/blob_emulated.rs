//! What the conformance suite cannot see of S3: signed URLs over a socket, and what stands in the account. On ministack.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::types as s3;
use bytes::Bytes;
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::port::{BlobStore, PutOptions, Subscriber};
use skyport_core::blob::{Bucket, SignedRequest};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{ErrorKind, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HOUR: Duration = Duration::from_secs(3_600);

/// A bucket that is removed in the end, and the SDKs beside it.
struct Stage {
    aws: Aws,
    url: ResourceUrl,
    store: Arc<dyn BlobStore>,
    sdk: aws_config::SdkConfig,
}

impl Stage {
    async fn new() -> Self {
        let endpoint = std::env::var("SKYPORT_EMULATOR_MINISTACK")
            .expect("SKYPORT_EMULATOR_MINISTACK is not set: run this through `cargo xtask test`");
        let credentials =
            SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests"));
        let mut config = AwsConfig::default();
        config.region = Some("us-east-1".to_owned());
        config.endpoint = Some(endpoint.clone());
        config.credentials = Some(credentials.clone());
        let aws = Aws::with(config);
        let url = ResourceUrl::new("s3", format!("emulated-{}", &Token::new().to_string()[..16]));
        aws.create(&url, &ResourceKind::Bucket).await.expect("created");
        let store = aws.bucket(&url).expect("opens");
        let sdk = aws_config::SdkConfig::builder()
            .region(aws_config::Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { aws, url, store, sdk }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    async fn remove(&self) {
        self.aws.remove(&self.url, &ResourceKind::Bucket).await.expect("removed");
    }

    async fn queues(&self) -> Vec<String> {
        let client = aws_sdk_sqs::Client::new(&self.sdk);
        let listed = client.list_queues().queue_name_prefix(self.prefix()).send().await.expect("listed");
        listed.queue_urls.unwrap_or_default()
    }

    async fn rules(&self) -> usize {
        let client = aws_sdk_eventbridge::Client::new(&self.sdk);
        client.list_rules().name_prefix(self.prefix()).send().await.expect("listed").rules().len()
    }

    /// What the names of its subscriptions begin with.
    fn prefix(&self) -> String {
        format!("skyport-{}-", &self.url.name()[..16])
    }
}

/// Sends a signed request over a socket; the status, and the whole answer.
async fn send(signed: &SignedRequest, body: &str) -> (u16, String) {
    let (host, path) = signed.url.strip_prefix("http://").and_then(|url| url.split_once('/')).expect("a URL");
    let mut request = format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", signed.method);
    for (name, value) in &signed.headers {
        request += &format!("{name}: {}\r\n", value.to_str().expect("text"));
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(host).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer)
}

#[tokio::test]
async fn signed_requests_do_what_they_are_signed_for_and_nothing_else() {
    let stage = Stage::new().await;
    let bucket = Bucket::new(stage.store.clone());
    for key in ["k", "a b/☺?#%&+.txt", " "] {
        let put = bucket.sign_put(key, HOUR).content_type("text/x-test").if_absent().await.expect("signed");
        let mut wrong = put.clone();
        wrong.headers.insert("content-type", http::HeaderValue::from_static("text/html"));
        assert_eq!(send(&wrong, "wrong").await.0, 403, "{key}");
        assert!(!bucket.exists(key).await.expect("asked"));
        assert_eq!(send(&put, "by url").await.0, 200, "{key}");
        assert_eq!(send(&put, "again").await.0, 412, "it only creates");
        assert_eq!(bucket.get(key).await.expect("there").content_type(), Some("text/x-test"));
        let mut get = bucket.sign_get(key, HOUR).await.expect("signed");
        let (status, answer) = send(&get, "").await;
        assert!(status == 200 && answer.ends_with("by url"), "{answer}");
        get.method = http::Method::DELETE;
        assert_eq!(send(&get, "").await.0, 403, "it is bound to its method");
        let delete = bucket.sign_delete(key, HOUR).await.expect("signed");
        assert_eq!(send(&delete, "").await.0, 204);
        assert!(!bucket.exists(key).await.expect("asked"));
    }
    stage.remove().await;
}

#[tokio::test]
async fn a_bucket_aborts_what_is_left_of_uploads_and_keeps_the_rules_of_others() {
    let stage = Stage::new().await;
    let (client, name) = (stage.s3(), stage.url.name());
    let rules = async || {
        let read = client.get_bucket_lifecycle_configuration().bucket(name).send().await.expect("rules");
        let mut ids: Vec<String> =
            read.rules().iter().filter_map(|rule| rule.id()).map(str::to_owned).collect();
        ids.sort();
        ids
    };
    assert_eq!(rules().await, ["skyport-abort-uploads"]);
    let theirs = s3::LifecycleRule::builder()
        .id("theirs")
        .status(s3::ExpirationStatus::Enabled)
        .filter(s3::LifecycleRuleFilter::builder().prefix("tmp/").build())
        .expiration(s3::LifecycleExpiration::builder().days(3).build())
        .build()
        .expect("a rule");
    let only = s3::BucketLifecycleConfiguration::builder().rules(theirs).build().expect("rules");
    let put = client.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(only);
    put.send().await.expect("written");
    for _ in 0..2 {
        stage.aws.create(&stage.url, &ResourceKind::Bucket).await.expect("created again");
        assert_eq!(rules().await, ["skyport-abort-uploads", "theirs"]);
    }
    stage.remove().await;
}

#[tokio::test]
async fn a_bucket_is_removed_with_all_versions_and_uploads() {
    let stage = Stage::new().await;
    let (client, name) = (stage.s3(), stage.url.name());
    let versioned =
        s3::VersioningConfiguration::builder().status(s3::BucketVersioningStatus::Enabled).build();
    client
        .put_bucket_versioning()
        .bucket(name)
        .versioning_configuration(versioned)
        .send()
        .await
        .expect("set");
    for round in 0..3 {
        for key in ["a", "b c/ü+%", "&<>"] {
            client.put_object().bucket(name).key(key).body(vec![round].into()).send().await.expect("put");
        }
    }
    client.delete_object().bucket(name).key("a").send().await.expect("deleted");
    let upload = stage.store.start_upload("upload", PutOptions::default()).await.expect("an upload");
    upload.put_part(0, Bytes::from_static(b"part")).await.expect("a part");
    stage.remove().await;
    assert_eq!(stage.store.head("a").await.expect_err("gone").kind(), ErrorKind::NotFound);
    // What was under way has ended, and ending it again is Ok.
    upload.abort().await.map_or_else(|error| assert_eq!(error.kind(), ErrorKind::NotFound), |()| ());
    stage.remove().await;
}

#[tokio::test]
async fn subscriptions_leave_other_notifications_alone_and_go_with_their_bucket() {
    let stage = Stage::new().await;
    let (client, name) = (stage.s3(), stage.url.name());
    let sqs = aws_sdk_sqs::Client::new(&stage.sdk);
    let theirs = sqs.create_queue().queue_name(format!("theirs-{name}")).send().await.expect("a queue");
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:theirs-{name}");
    let queue =
        s3::QueueConfiguration::builder().id("theirs").queue_arn(arn).events("s3:ObjectCreated:*".into());
    let other =
        s3::NotificationConfiguration::builder().queue_configurations(queue.build().expect("an entry"));
    let put = client.put_bucket_notification_configuration().bucket(name);
    put.notification_configuration(other.build()).send().await.expect("written");
    let subscriber = |name: &str| {
        let mut subscriber = Subscriber::new(name);
        (subscriber.created, subscriber.deleted) = (true, true);
        subscriber
    };
    let (one, two) = (subscriber("one"), subscriber("two"));
    let (first, second) = tokio::join!(stage.store.events(&one), stage.store.events(&two));
    first.expect("subscribed");
    second.expect("subscribed");
    stage.store.events(&one).await.expect("subscribed again");
    let told = client.get_bucket_notification_configuration().bucket(name).send().await.expect("read");
    assert_eq!(
        told.queue_configurations().iter().filter_map(|entry| entry.id()).collect::<Vec<_>>(),
        ["theirs"]
    );
    assert_eq!((stage.queues().await.len(), stage.rules().await), (4, 2), "each with its dead letters");
    stage.remove().await;
    assert_eq!((stage.queues().await.len(), stage.rules().await), (0, 0));
    sqs.delete_queue().queue_url(theirs.queue_url().expect("a URL")).send().await.expect("removed");
}
