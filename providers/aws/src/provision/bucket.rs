//! Buckets of S3.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
};
use skyport_core::blob::port::BlobStore;
use skyport_core::retry::{patiently, patiently_each};
use skyport_core::{Error, ErrorKind, Result};

use crate::blob::S3;
use crate::config::Connection;
use crate::error;

/// The one region that must not be named when a bucket is made in it.
const UNNAMED_REGION: &str = "us-east-1";
/// The lifecycle rule that removes what a killed process leaves of its uploads.
const RULE: &str = "skyport-abort-uploads";
/// An upload may take so long.
const UPLOAD_DAYS: i32 = 7;

/// So long one try to empty a bucket may take; the next goes on where it was.
const EMPTYING: Duration = Duration::from_secs(15 * 60);

pub(super) fn open(connection: Arc<Connection>, name: &str) -> Result<Arc<dyn BlobStore>> {
    Ok(Arc::new(S3::open(connection, name)))
}

/// Makes a bucket that is there already what it is to be. S3 blocks public access to new buckets by itself.
pub(super) async fn create(connection: &Arc<Connection>, name: &str) -> Result<()> {
    patiently(name, Error::is_retryable, || make(connection, name)).await?;
    patiently(name, Error::is_retryable, || abort_old_uploads(connection, name)).await
}

/// Removes a bucket with all that is in it: every version, and uploads under way; and the queues of its subscribers. A
/// missing one is Ok.
pub(super) async fn remove(connection: &Arc<Connection>, name: &str) -> Result<()> {
    let bucket = S3::open(Arc::clone(connection), name);
    let removed = patiently_each(name, EMPTYING, Error::is_retryable, || async {
        #[cfg(feature = "events")]
        bucket.unsubscribe_all().await?;
        bucket.empty().await?;
        let delete = connection.s3().await.delete_bucket().bucket(name);
        Box::pin(delete.send()).await.map(drop).map_err(error::of)
    });
    match removed.await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn make(connection: &Connection, name: &str) -> Result<()> {
    let region = connection.region().await.filter(|region| *region != UNNAMED_REGION);
    let place = region.map(|region| {
        let region = BucketLocationConstraint::from(region);
        CreateBucketConfiguration::builder().location_constraint(region).build()
    });
    let create = connection.s3().await.create_bucket().bucket(name).set_create_bucket_configuration(place);
    match Box::pin(create.send()).await {
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(error) if error.code() == Some("BucketAlreadyExists") => Err(foreign(error::of(error))),
        other => other.map(drop).map_err(error::of),
    }
}

fn foreign(cause: Error) -> Error {
    let text = "a bucket of this name belongs to somebody else: names of buckets are shared by all accounts";
    Error::new(ErrorKind::AlreadyExists, text).with_provider(super::NAME).with_source(cause)
}

/// Adds the rule for what is left of uploads; rules of others stay.
async fn abort_old_uploads(connection: &Connection, name: &str) -> Result<()> {
    let client = connection.s3().await;
    let read = client.get_bucket_lifecycle_configuration().bucket(name);
    let (mut rules, minimum) = match Box::pin(read.send()).await {
        Ok(output) => (output.rules.unwrap_or_default(), output.transition_default_minimum_object_size),
        Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => (Vec::new(), None),
        Err(error) => return Err(error::of(error)),
    };
    if rules.iter().any(|rule| rule.id() == Some(RULE)) {
        return Ok(());
    }
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(UPLOAD_DAYS).build();
    let rule = LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(abort)
        .build();
    rules.push(rule.map_err(error::unmade)?);
    let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let write = client
        .put_bucket_lifecycle_configuration()
        .bucket(name)
        .set_transition_default_minimum_object_size(minimum.map(|size| size.as_str().into()))
        .lifecycle_configuration(configuration.map_err(error::unmade)?);
    Box::pin(write.send()).await.map(drop).map_err(error::of)
}
