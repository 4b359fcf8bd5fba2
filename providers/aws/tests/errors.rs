//! Every kind of error of the contract, from what AWS says that means it: one table.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use http::Response;
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::port::{Condition, Etag, ListOptions, PutOptions};
use skyport_core::kv::port::{Change, ItemCondition, Key, Write};
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceUrl, TableSettings};
use skyport_core::queue::port::{OutMessage, QueueSettings, Receipt};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Result};

use ErrorKind as Kind;

/// A call, and what AWS answers to every request of it: a status, a code, or a body of another kind.
enum Row {
    /// Writing an object.
    Put(u16, &'static str),
    /// Creating an object.
    Create(u16, &'static str),
    /// Listing objects; the whole answer.
    List(&'static str),
    /// Extending a lease.
    Extend(u16, &'static str),
    /// Sending a message.
    Send(u16, &'static str),
    /// Creating an item.
    Insert(u16, &'static str),
    /// Replacing an item of a version.
    Replace(u16, &'static str),
    /// Writing items in one transaction.
    Transact(u16, &'static str),
    /// Replacing an object of an etag behind the retry layer: every answer is lost.
    LostReplacement,
    /// Sending with a delay where the order is to be kept: refused without asking AWS.
    DelayInOrder,
}

/// In the order of [`ErrorKind`].
const TABLE: &[(ErrorKind, Row)] = &[
    (Kind::NotFound, Row::Put(404, "NoSuchBucket")),
    (Kind::NotFound, Row::Send(400, "AWS.SimpleQueueService.NonExistentQueue")),
    (Kind::NotFound, Row::Insert(400, "ResourceNotFoundException")),
    (Kind::AlreadyExists, Row::Create(412, "PreconditionFailed")),
    (Kind::AlreadyExists, Row::Insert(400, "ConditionalCheckFailedException")),
    (Kind::PreconditionFailed, Row::Put(412, "PreconditionFailed")),
    (Kind::PreconditionFailed, Row::Extend(400, "MessageNotInflight")),
    (Kind::PreconditionFailed, Row::Extend(400, "ReceiptHandleIsInvalid")),
    (Kind::PreconditionFailed, Row::Replace(400, "ConditionalCheckFailedException")),
    (Kind::Conflict, Row::Create(409, "ConditionalRequestConflict")),
    (Kind::Conflict, Row::Put(409, "OperationAborted")),
    (Kind::Conflict, Row::Put(403, "InvalidObjectState")),
    (Kind::Conflict, Row::Insert(400, "TransactionConflictException")),
    (Kind::Conflict, Row::Transact(400, "TransactionInProgressException")),
    (Kind::InvalidArgument, Row::Put(400, "InvalidArgument")),
    (Kind::InvalidArgument, Row::Put(301, "PermanentRedirect")),
    (Kind::InvalidArgument, Row::Send(400, "InvalidMessageContents")),
    (Kind::InvalidArgument, Row::Insert(400, "ValidationException")),
    (Kind::TooLarge, Row::Put(400, "EntityTooLarge")),
    (Kind::TooLarge, Row::Put(413, "AnythingElse")),
    (Kind::TooLarge, Row::Send(400, "AWS.SimpleQueueService.BatchRequestTooLong")),
    (Kind::Unauthenticated, Row::Put(403, "SignatureDoesNotMatch")),
    (Kind::Unauthenticated, Row::Put(400, "ExpiredToken")),
    (Kind::Unauthenticated, Row::Send(403, "InvalidClientTokenId")),
    (Kind::Unauthenticated, Row::Insert(400, "UnrecognizedClientException")),
    (Kind::PermissionDenied, Row::Put(403, "AccessDenied")),
    (Kind::PermissionDenied, Row::Send(403, "AccessDenied")),
    (Kind::PermissionDenied, Row::Insert(400, "AccessDeniedException")),
    (Kind::Throttled, Row::Put(503, "SlowDown")),
    (Kind::Throttled, Row::Send(403, "RequestThrottled")),
    (Kind::Throttled, Row::Insert(400, "ProvisionedThroughputExceededException")),
    (Kind::Throttled, Row::Insert(400, "ThrottlingException")),
    (Kind::Unavailable, Row::Put(500, "InternalError")),
    (Kind::Unavailable, Row::Put(503, "ServiceUnavailable")),
    (Kind::Unavailable, Row::Put(400, "IncompleteBody")),
    (Kind::Unavailable, Row::Put(400, "BadDigest")),
    (Kind::Unavailable, Row::Put(400, "XAmzContentSHA256Mismatch")),
    (Kind::Unavailable, Row::Send(500, "InternalFailure")),
    (Kind::Unavailable, Row::Insert(500, "InternalServerError")),
    (Kind::Timeout, Row::Put(400, "RequestTimeout")),
    (Kind::Indeterminate, Row::LostReplacement),
    (Kind::Unsupported, Row::Put(501, "NotImplemented")),
    (Kind::Unsupported, Row::DelayInOrder),
    (Kind::Malformed, Row::List("<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>")),
    (Kind::Internal, Row::Transact(400, "IdempotentParameterMismatchException")),
    (Kind::Internal, Row::Put(418, "ATeapot")),
];

/// AWS as one that answers everything so.
fn aws(answer: impl Fn() -> Response<SdkBody> + Send + Sync + 'static) -> Aws {
    let mut config = AwsConfig::default();
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some("http://aws.test".to_owned());
    let credentials = Credentials::new("AKIDSTUB", "the-secret", None, None, "stub");
    config.credentials = Some(SharedCredentialsProvider::new(credentials));
    config.http_client = Some(infallible_client_fn(move |_| answer()));
    Aws::with(config)
}

fn response(status: u16, body: String) -> Response<SdkBody> {
    Response::builder().status(status).body(SdkBody::from(body)).expect("a response")
}

fn s3(status: u16, code: &'static str) -> Aws {
    aws(move || response(status, format!("<Error><Code>{code}</Code><Message>No.</Message></Error>")))
}

/// SQS and DynamoDB write errors as JSON.
fn json(status: u16, code: &'static str) -> Aws {
    aws(move || response(status, format!(r#"{{"__type":"com.amazonaws#{code}","message":"No."}}"#)))
}

fn condition(etag: &str) -> PutOptions {
    let mut options = PutOptions::default();
    options.condition = Condition::IfMatch(Etag::new(etag));
    options
}

async fn put(aws: &Aws, options: PutOptions) -> Result<()> {
    let bucket = aws.bucket(&ResourceUrl::new("s3", "b"))?;
    bucket.put("k", "v".into(), options).await.map(drop)
}

async fn send(aws: &Aws, settings: QueueSettings, message: OutMessage) -> Result<()> {
    let queue = aws.queue(&ResourceUrl::new("sqs", "q"), &settings)?;
    queue.send(vec![message]).await.remove(0).map(drop)
}

async fn write(aws: &Aws, condition: ItemCondition) -> Result<()> {
    let table = aws.table(&ResourceUrl::new("dynamodb", "t"), &TableSettings::default())?;
    let mut write = Write::put(Key::new("p", "s"), "v".into());
    write.condition = condition;
    table.write(write).await.map(drop)
}

async fn failed(row: &Row) -> Result<()> {
    match *row {
        Row::Put(status, code) => put(&s3(status, code), condition("e")).await,
        Row::Create(status, code) => {
            let mut options = PutOptions::default();
            options.condition = Condition::IfAbsent;
            put(&s3(status, code), options).await
        }
        Row::List(answer) => {
            let aws = aws(move || response(200, answer.to_owned()));
            let mut options = ListOptions::default();
            options.page_size = 10;
            aws.bucket(&ResourceUrl::new("s3", "b"))?.list(options).await.map(drop)
        }
        Row::Extend(status, code) => {
            // The queue's URL is asked for first.
            let known = std::sync::atomic::AtomicBool::new(false);
            let aws = aws(move || {
                if !known.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    return response(200, r#"{"QueueUrl":"http://aws.test/1/q"}"#.to_owned());
                }
                response(status, format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"No."}}"#))
            });
            let queue = aws.queue(&ResourceUrl::new("sqs", "q"), &QueueSettings::default())?;
            queue.extend(&Receipt::new("a-raw-handle"), Duration::from_secs(30)).await.map(drop)
        }
        Row::Send(status, code) => {
            send(&json(status, code), QueueSettings::default(), OutMessage::new("m")).await
        }
        Row::Insert(status, code) => write(&json(status, code), ItemCondition::IfAbsent).await,
        Row::Replace(status, code) => {
            let version = skyport_core::kv::port::RawVersion::new("0".repeat(40));
            write(&json(status, code), ItemCondition::IfVersion(version)).await
        }
        Row::Transact(status, code) => {
            let aws = json(status, code);
            let table = aws.table(&ResourceUrl::new("dynamodb", "t"), &TableSettings::default())?;
            let put = |sort: &str| {
                let change = Change::Put { value: "v".into(), expires: None };
                Write::new(Key::new("p", sort), change)
            };
            table.transact(vec![put("a"), put("b")]).await.map(drop)
        }
        Row::LostReplacement => {
            let aws = s3(500, "InternalError");
            let bucket = Retry::new(RetryPolicy::default()).blob(aws.bucket(&ResourceUrl::new("s3", "b"))?);
            bucket.put("k", "v".into(), condition("e")).await.map(drop)
        }
        Row::DelayInOrder => {
            let mut settings = QueueSettings::default();
            settings.ordered = true;
            let queue = aws(|| panic!("AWS was asked")).queue(&ResourceUrl::new("sqs", "q"), &settings)?;
            let queue: skyport_core::queue::Queue<String> =
                skyport_core::queue::Queue::new(Arc::clone(&queue));
            queue.send(&"m".to_owned()).delay(Duration::from_secs(1)).await.map(drop)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_comes_from_what_aws_says_that_means_it() {
    for (kind, row) in TABLE {
        let error: Error = failed(row).await.expect_err("a failure");
        let told = match row {
            Row::Put(_, code) | Row::Create(_, code) | Row::Extend(_, code) | Row::Send(_, code) => *code,
            Row::Insert(_, code) | Row::Replace(_, code) | Row::Transact(_, code) => *code,
            Row::List(_) => "an object without its size",
            Row::LostReplacement => "lost answers",
            Row::DelayInOrder => "a delay in order",
        };
        assert_eq!(error.kind(), *kind, "{told}: {error}");
        assert!(!format!("{error} {error:?}").contains("the-secret"), "{error:?}");
    }
}

#[tokio::test]
async fn bytes_that_broke_on_the_way_were_not_taken_and_may_be_sent_again() {
    for code in ["IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"] {
        let error = put(&s3(400, code), condition("e")).await.expect_err(code);
        assert_eq!((error.is_retryable(), error.is_ambiguous()), (true, false), "{code}");
    }
}

#[tokio::test]
async fn an_archived_object_is_not_asked_for_again_before_it_is_restored() {
    let error = put(&s3(403, "InvalidObjectState"), condition("e")).await.expect_err("archived");
    assert!(!error.is_retryable() && error.message().contains("restore"), "{error}");
}

#[test]
fn no_kind_of_the_contract_is_missing_in_the_table() {
    let all = [
        Kind::NotFound,
        Kind::AlreadyExists,
        Kind::PreconditionFailed,
        Kind::Conflict,
        Kind::InvalidArgument,
        Kind::TooLarge,
        Kind::Unauthenticated,
        Kind::PermissionDenied,
        Kind::Throttled,
        Kind::Unavailable,
        Kind::Timeout,
        Kind::Indeterminate,
        Kind::Unsupported,
        Kind::Malformed,
        Kind::Internal,
    ];
    for kind in all {
        assert!(TABLE.iter().any(|(known, _)| *known == kind), "{kind}");
    }
}
