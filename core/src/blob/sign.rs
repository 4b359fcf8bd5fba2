//! Signing requests for clients without credentials.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use super::bucket::{Bucket, operation_span};
use super::key;
use super::port::{SignMethod, SignOptions, SignedRequest};
use crate::{Error, Result};

const OPERATION: &str = "blob.sign";

/// A signature that is made when this is awaited; made by [`Bucket::sign_get`] and [`Bucket::sign_delete`].
///
/// The request that comes of it has the method, the URL, the headers that the client must send, and when it really
/// expires. Anybody who has it can make it: handle it as a secret.
///
/// # Errors
/// When awaited: `Unsupported` where `capabilities().sign` is no; `InvalidArgument` for a time of zero or over
/// `limits().signed_for`. All of this before any I/O.
#[must_use = "nothing is signed until this is awaited"]
#[derive(Clone, Debug)]
pub struct Sign<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    options: SignOptions,
}

impl<'a> Sign<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str, method: SignMethod, expires_in: Duration) -> Self {
        let options = SignOptions::new(method, expires_in);
        Self { bucket, key, options }
    }

    async fn run(self) -> Result<SignedRequest> {
        let info = self.bucket.info();
        let refusal = "this provider signs no URLs; serve the object by a route of the application";
        info.capabilities.sign.demand(refusal)?;
        match self.options.method {
            SignMethod::Put => key::check_written(self.key, &info.limits)?,
            SignMethod::Get | SignMethod::Delete => key::check_read(self.key)?,
        }
        key::check_header("content type", self.options.content_type.as_deref())?;
        let (asked, most) = (self.options.expires_in, info.limits.signed_for);
        if asked.is_zero() || asked > most {
            return Err(Error::invalid(format!(
                "a signed URL lives for more than nothing and at most {} s",
                most.as_secs()
            )));
        }
        self.bucket.port().sign(self.key, self.options).await
    }
}

impl<'a> IntoFuture for Sign<'a> {
    type Output = Result<SignedRequest>;
    type IntoFuture = BoxFuture<'a, Result<SignedRequest>>;

    fn into_future(self) -> Self::IntoFuture {
        let (bucket, key) = (self.bucket, self.key);
        let span = operation_span!("blob.sign", bucket, key);
        Box::pin(async move { bucket.named(OPERATION, key, self.run().instrument(span).await) })
    }
}

/// A signature of a write, made when this is awaited; made by [`Bucket::sign_put`].
///
/// # Errors
/// When awaited: as [`Sign`]; `InvalidArgument` for a key that cannot be written.
#[must_use = "nothing is signed until this is awaited"]
#[derive(Clone, Debug)]
pub struct SignPut<'a>(Sign<'a>);

impl<'a> SignPut<'a> {
    pub(super) fn new(bucket: &'a Bucket, key: &'a str, expires_in: Duration) -> Self {
        Self(Sign::new(bucket, key, SignMethod::Put, expires_in))
    }

    /// The client must send this content type, and the object gets it.
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.0.options.content_type = Some(value.into());
        self
    }

    /// The request only creates: it is refused where an object is there.
    pub fn if_absent(mut self) -> Self {
        self.0.options.if_absent = true;
        self
    }
}

impl<'a> IntoFuture for SignPut<'a> {
    type Output = Result<SignedRequest>;
    type IntoFuture = BoxFuture<'a, Result<SignedRequest>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.into_future()
    }
}
