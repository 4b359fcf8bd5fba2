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
//! # Retries
//! The SDKs' own retries are off: the layer [`Retry`](skyport_core::layers::Retry) repeats, since only it can tell whether a
//! write whose answer was lost has been applied. Without that layer a call is tried once.

mod config;
mod error;
mod provision;

#[cfg(feature = "blob")]
mod blob;
#[cfg(feature = "kv")]
mod kv;
#[cfg(feature = "queue")]
mod queue;

pub use config::{Aws, AwsConfig};
