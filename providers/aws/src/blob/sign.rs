//! Signing requests for clients without credentials.
//!
//! A signed URL ends with the credentials that signed it. Credentials of a session, which have a token, may not tell their end, as
//! those in the environment of a function on Lambda: then the URL is signed for what was asked, and is said to end after
//! an hour at most. It may end sooner still, and nobody can tell.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use http::{HeaderName, HeaderValue};
use skyport_core::blob::port::{SignMethod, SignOptions, SignedRequest};
use skyport_core::{Error, ErrorKind, Result};

use super::key::on;
use super::{NAME, S3};
use crate::config::Connection;
use crate::error;

/// Credentials that end within this are asked for anew.
const MARGIN: Duration = Duration::from_secs(300);

/// A URL that a session signed without telling its end is said to live no longer: by default a role's session is as long.
const UNTOLD: Duration = Duration::from_secs(3_600);

/// The credentials that sign, so that when a URL really ends is known: the SDK's client does not tell whose it uses.
#[derive(Default)]
pub(super) struct Signer(Mutex<Option<Credentials>>);

impl Signer {
    /// Credentials that live on for `MARGIN`, where there are such.
    async fn credentials(&self, connection: &Connection, now: SystemTime) -> Result<Credentials> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| lives(known, now)) {
            return Ok(known);
        }
        let provider =
            connection.credentials().await.ok_or_else(|| error::no_credentials().with_provider(NAME))?;
        let fresh = provider.provide_credentials().await;
        let fresh = fresh.map_err(|why| error::unsigned(&why).with_provider(NAME).with_source(why))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }
}

fn lives(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expiry().is_none_or(|end| end > now + MARGIN)
}

/// When credentials end, as far as it can be known; `None` for those that do not.
fn end(credentials: &Credentials, now: SystemTime) -> Option<SystemTime> {
    let untold = credentials.session_token().map(|_| now + UNTOLD);
    credentials.expiry().or(untold)
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl S3 {
    /// No I/O, but for credentials that have to be fetched.
    pub(super) async fn presign(&self, key: &str, options: &SignOptions) -> Result<SignedRequest> {
        let now = self.info.clock.now();
        let credentials = self.signer.credentials(&self.connection, now).await?;
        let asked = now + options.expires_in;
        let expires = end(&credentials, now).map_or(asked, |end| end.min(asked));
        let config = PresigningConfig::builder().start_time(now).expires_in(options.expires_in).build();
        let config =
            config.map_err(|error| Error::invalid("S3 signs for at most 7 days").with_source(error))?;
        let signing = Builder::default().credentials_provider(credentials);
        let client = self.client().await;
        let signed = match options.method {
            SignMethod::Get => {
                let get = client.get_object().bucket(self.name());
                Box::pin(on!(key, get).config_override(signing).presigned(config)).await.map_err(error::of)?
            }
            SignMethod::Put => {
                let put = client.put_object().bucket(self.name());
                let put = put
                    .set_content_type(options.content_type.clone())
                    .set_if_none_match(options.if_absent.then(|| "*".to_owned()));
                Box::pin(on!(key, put).config_override(signing).presigned(config)).await.map_err(error::of)?
            }
            SignMethod::Delete => {
                let delete = client.delete_object().bucket(self.name());
                Box::pin(on!(key, delete).config_override(signing).presigned(config))
                    .await
                    .map_err(error::of)?
            }
        };
        request(options.method, &signed, expires)
    }
}

fn request(method: SignMethod, signed: &PresignedRequest, expires: SystemTime) -> Result<SignedRequest> {
    let mut request = SignedRequest::new(method.as_http(), signed.uri().to_owned(), expires);
    for (name, value) in signed.headers() {
        let odd = || Error::new(ErrorKind::Internal, "the AWS SDK signed what is no header");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| odd().with_source(error))?;
        let value = HeaderValue::from_str(value).map_err(|error| odd().with_source(error))?;
        request.headers.append(name, value);
    }
    Ok(request)
}
