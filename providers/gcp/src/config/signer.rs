//! Who signs URLs: a key that is at hand, or IAM, which keeps one for each account.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use google_cloud_auth::credentials::Builder;
use google_cloud_auth::signer::Signer;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use skyport_core::{Error, ErrorKind, Result};
use tokio::time::timeout;

use super::credentials::{Bearer, unusable};
use super::{adc, machine, tls};
use crate::error;
use crate::provision::NAME;

/// How long a signature may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a signature of IAM's is good at least: then Google may change the key.
const KEPT_BY_IAM: Duration = Duration::from_secs(12 * 3600);

/// The longest answer of IAM's, in bytes.
const LONGEST: usize = 64 << 10;

/// Google's own endpoint of IAM.
const IAM: &str = "https://iamcredentials.googleapis.com";

/// Who signs.
#[derive(Debug)]
pub(super) enum Signing {
    /// A key, without any I/O: that of a service account, or whatever the configuration says.
    Key(Signer),
    /// IAM, with a key of this account.
    Iam { email: String, endpoint: String },
}

impl Signing {
    /// The configuration's, or whom the Application Default Credentials name.
    pub(super) async fn find(given: Option<&Signer>) -> Result<Self> {
        // Signing with a key takes its cryptography from there, too.
        tls::install();
        if let Some(signer) = given {
            return Ok(Self::Key(signer.clone()));
        }
        let email = match adc::path() {
            None => machine::email().await?,
            Some(path) => match adc::about(&path) {
                Some(about) if !about.has_key() => {
                    about.impersonated().ok_or_else(error::cannot_sign)?.to_owned()
                }
                // Whatever is wrong with it, the library says.
                _ => {
                    let signer = Builder::default().build_signer();
                    return signer.map(Self::Key).map_err(|error| unusable(&error.to_string()));
                }
            },
        };
        // It becomes a part of a URL.
        let fits = |c: char| c.is_ascii_alphanumeric() || "@.-_:".contains(c);
        if email.is_empty() || email.len() > 512 || !email.chars().all(fits) {
            return Err(error::cannot_sign());
        }
        Ok(Self::Iam { email, endpoint: IAM.to_owned() })
    }

    /// Whose signatures they are.
    pub(super) async fn email(&self) -> Result<String> {
        match self {
            Self::Iam { email, .. } => Ok(email.clone()),
            Self::Key(signer) => {
                let told = timeout(PATIENCE, signer.client_email()).await;
                told.map_err(|_| error::not_signed_in_time())?.map_err(error::not_signed)
            }
        }
    }

    /// How long a signature is good at most.
    pub(super) fn kept(&self) -> Duration {
        match self {
            Self::Key(_) => Duration::MAX,
            Self::Iam { .. } => KEPT_BY_IAM,
        }
    }

    /// The signature of a text.
    pub(super) async fn sign(
        &self,
        client: &reqwest::Client,
        bearer: &Bearer,
        text: String,
    ) -> Result<Vec<u8>> {
        let signed = async {
            match self {
                Self::Key(signer) => {
                    signer.sign(text).await.map(|signature| signature.to_vec()).map_err(error::not_signed)
                }
                Self::Iam { email, endpoint } => {
                    let url = format!("{endpoint}/v1/projects/-/serviceAccounts/{email}:signBlob");
                    let body = json!({ "payload": STANDARD.encode(text) }).to_string();
                    let call = client.post(url).headers(bearer.headers().await?);
                    by_iam(call.header(http::header::CONTENT_TYPE, "application/json").body(body)).await
                }
            }
        };
        timeout(PATIENCE, signed).await.map_err(|_| error::not_signed_in_time())?
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    signed_blob: String,
}

async fn by_iam(call: reqwest::RequestBuilder) -> Result<Vec<u8>> {
    // Nothing changes by a signature.
    let unanswered = |error| error::unanswered(error).with_ambiguous(false);
    let mut answer = call.send().await.map_err(unanswered)?;
    if answer.status() != StatusCode::OK {
        return Err(error::not_signed_by_iam(answer.status().as_u16()));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(odd());
        }
        body.extend_from_slice(&chunk);
    }
    let signed: Signed = serde_json::from_slice(&body).map_err(|_| odd())?;
    STANDARD.decode(signed.signed_blob).map_err(|_| odd())
}

fn odd() -> Error {
    Error::new(ErrorKind::Malformed, "IAM answered with something that is no signature").with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use google_cloud_auth::credentials::anonymous;
    use skyport_core::blob::Bucket;
    use skyport_core::provider::{Provider, ResourceUrl};

    use super::super::{Gcp, GcpConfig, Service};
    use super::*;
    use crate::blob::Gcs;
    use crate::stub::{answer, served};

    fn account(endpoint: String) -> Signing {
        Signing::Iam { email: "a@p.iam.gserviceaccount.com".to_owned(), endpoint }
    }

    #[tokio::test]
    async fn iam_signs_with_one_call_a_url_that_ends_after_twelve_hours() {
        let (iam, log) = served(|_, _| answer(200, r#"{"keyId":"k","signedBlob":"AQID"}"#)).await;
        let credentials = Some(anonymous::Builder::new().build());
        let config = GcpConfig { credentials, ..GcpConfig::default() };
        let url = ResourceUrl::new("gs", "bkt");
        let connection = Gcp::with(config).connection(Service::Storage, &url, &[]).expect("connects");
        connection.signing.set(account(iam)).expect("once");
        let bucket = Bucket::new(Arc::new(Gcs::open(connection, "bkt")));
        let now = bucket.info().clock.now();
        for (asked, told) in [(1, 1), (12, 12), (24 * 7, 12)] {
            let signed = bucket.sign_get("k", Duration::from_secs(asked * 3600)).await.expect("signed");
            assert!(signed.url.ends_with("&X-Goog-Signature=010203"), "{}", signed.url);
            assert!(signed.url.contains(&format!("&X-Goog-Expires={}&", told * 3600)), "{}", signed.url);
            let most = now + Duration::from_secs(told * 3600 + 60);
            assert!(signed.expires > now && signed.expires < most);
        }
        assert_eq!(
            log.lines(),
            ["POST /v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:signBlob"; 3]
        );
        let body: serde_json::Value = serde_json::from_slice(&log.all()[0].body).expect("JSON");
        let signed = STANDARD.decode(body["payload"].as_str().expect("text")).expect("base64");
        assert!(signed.starts_with(b"GOOG4-RSA-SHA256\n"));
    }

    #[tokio::test]
    async fn a_key_that_a_url_would_lose_is_not_signed() {
        let bucket = Gcp::new().bucket(&ResourceUrl::new("gs", "bkt")).expect("opens");
        let bucket = Bucket::new(bucket);
        for key in ["a/../b", "./a", "..", "a/."] {
            let error = bucket.sign_get(key, Duration::from_secs(60)).await.expect_err(key);
            assert_eq!((error.kind(), error.key()), (ErrorKind::InvalidArgument, Some(key)));
        }
    }

    #[tokio::test]
    async fn what_iam_refuses_has_the_kind_of_its_status() {
        for (status, kind, retryable) in [
            (403, ErrorKind::PermissionDenied, false),
            (401, ErrorKind::Unauthenticated, false),
            (404, ErrorKind::PermissionDenied, false),
            (429, ErrorKind::Throttled, true),
            (503, ErrorKind::Unavailable, true),
        ] {
            let (url, _) = served(move |_, _| answer(status, "{}")).await;
            let bearer = Bearer::new(Some(&anonymous::Builder::new().build()));
            let client = tls::without().expect("a client");
            let error = account(url).sign(&client, &bearer, "t".to_owned()).await.expect_err("refused");
            assert_eq!((error.kind(), error.is_retryable(), error.is_ambiguous()), (kind, retryable, false));
        }
    }
}
