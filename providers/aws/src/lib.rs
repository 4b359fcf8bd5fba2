//! Skyport on AWS: S3 as blob storage, SQS as queues, DynamoDB as tables.
//!
//! ```no_run
//! # async fn example() -> skyport_core::Result<()> {
//! use skyport_aws::Aws;
//! use skyport_core::provider::{Provider, ResourceUrl};
//!
//! let aws = Aws::new();
//! let photos: ResourceUrl = "s3://my-photos?region=eu-central-1".parse()?;
//! let bucket = aws.bucket(&photos)?; // no I/O yet
//! assert_eq!(bucket.head("cat.jpg").await?.size, 4);
//! # Ok(()) }
//! ```
//!
//! # URLs
//! | URL | resource |
//! |---|---|
//! | `s3://bucket` | a bucket of S3 |
//! | `sqs://queue` | a queue of SQS; an ordered one is a FIFO queue, and `.fifo` is added to its name |
//! | `dynamodb://table` | a table of DynamoDB |
//!
//! Each takes `region` and `endpoint`; what they do not say comes from [`AwsConfig`], and then from the environment as for
//! every AWS tool.
//!
//! # Region, endpoint, credentials
//! The region is that of the URL, of [`AwsConfig`], of `AWS_REGION` or `AWS_DEFAULT_REGION`, or of the profile; where there is
//! none, opening a resource says so. The instance's metadata is not asked for it. Endpoints: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`
//! and their like; with an endpoint, S3 is addressed by path. Credentials come from AWS's standard chain: environment, profile, web identity,
//! container, instance; `aws sso login` with the feature `sso`.
//!
//! # Events of a bucket
//! With the feature `events`. S3 refuses two notifications for one type of event, so a bucket tells EventBridge, and each subscriber
//! has a rule there and a queue of SQS behind it; other notifications of the bucket stay. That a bucket begins to tell
//! EventBridge takes AWS some minutes. Removing the bucket removes its rules and their queues.
//!
//! # Connections
//! Opening does no I/O. Clients are made at their first use and share one HTTP client and one set of credentials; the
//! system's CA roots are loaded once.
//!
//! # Tables
//! A table has the partition key `pk` and the sort key `sk`, both strings, and a time to live on the attribute `exp`; Skyport creates it
//! so, billed on demand. Its other attributes are Skyport's own. A value that is an integer in JSON lies as a number, all others
//! as bytes. What needs these actions: `GetItem`, `BatchGetItem`, `Query`, `UpdateItem`, `DeleteItem`, `PutItem`, `BatchWriteItem`, `ConditionCheckItem`;
//! `sweep` needs `DescribeTimeToLive`, since DynamoDB itself deletes what has expired, and Skyport only makes sure of it.
//!
//! # Retries
//! The SDKs' own retries are off: the layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a
//! write whose answer was lost has been applied. Without that layer a call is tried once.
//!
//! # Queues
//! - `sqs://jobs` has its dead letters in `jobs-dead`; declared ordered, the two are `jobs.fifo` and `jobs-dead.fifo`. Creating it keeps
//!   unread messages 4 days and dead letters 14.
//! - A body is up to 760 KiB of any bytes, which fits a request of 1 MiB also as base64. One of text travels as it is.
//! - `dedupe_id` is for ordered queues; others of SQS tell no duplicates. There a send whose answer was lost, and that is repeated, is
//!   no second message either.
//! - An ordered queue is received from one message at a time, and one message of a group is in a request that sends. So a message
//!   that fails spends no attempts of those behind it, and none overtakes another. It costs requests: SQS takes 300 a second
//!   of each kind. Switched to high throughput it takes more, and dedupe ids then count within a group.
//! - A retry of a last attempt goes to the dead letters at once where this process received the message; elsewhere, and
//!   when a lease ends, SQS moves the message when somebody receives next. Which attempt is the last the queue's redrive policy
//!   says; without the permission `sqs:GetQueueAttributes` it is always SQS that moves.
//! - SQS counts a receive also where its answer never arrives: with `max_attempts` 1 a message may die unseen.
//! - The process that received a message refuses to settle it twice or after its lease. SQS itself accepts a second ack from
//!   another process and, unless the queue is ordered, a late one.
//! - Settling takes receipts of this provider and the plain receipt handles of SQS, as an event source mapping hands them over.
//! - A dropped receive lives on in the background for up to 20 seconds: the next one takes it over, and what arrives before that goes
//!   back at once, one attempt older.
//! - What has to be permitted: `sqs:GetQueueUrl`, `SendMessage`, `ReceiveMessage`, `DeleteMessage`, `ChangeMessageVisibility`,
//!   `GetQueueAttributes`; the dead letters need the first two at least.
//! - What others send arrives as it is: numbers among the attributes as text, binary attributes left out, names as they are.

mod config;
mod error;
mod provision;

#[cfg(feature = "blob")]
mod blob;
#[cfg(feature = "kv")]
mod kv;
#[cfg(feature = "queue")]
mod queue;
#[cfg(any(feature = "blob", feature = "queue", feature = "kv"))]
mod support;

pub use config::{Aws, AwsConfig};
