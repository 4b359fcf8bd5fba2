//! The metadata server, which a machine of Google's has: it tells the project, the account and its tokens, without TLS.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use skyport_core::{Error, ErrorKind, Result};

use super::tls;
use crate::error;
use crate::provision::NAME;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 10;

/// So long before its end a token is asked for again. The server itself gives a new one 5 minutes before.
const SLACK: Duration = Duration::from_secs(225);

/// Says where the server is, where it is not at its usual name.
const HOST: &str = "GCE_METADATA_HOST";

/// Who pays for what is asked, where it is another project.
const QUOTA_PROJECT: &str = "GOOGLE_CLOUD_QUOTA_PROJECT";

/// Set on Cloud Run.
const ON_CLOUD_RUN: [&str; 3] = ["K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL"];

/// Whether the environment says that this is a machine of Google's.
pub(super) fn is_googles() -> bool {
    ON_CLOUD_RUN.iter().any(|name| variable(name).is_some()) || variable(HOST).is_some()
}

/// A variable that says something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The headers that say who calls, and how long they are good.
#[derive(Clone)]
pub(crate) struct Token {
    pub(super) headers: HeaderMap,
    end: Instant,
}

impl Token {
    /// Whether there is no need of another one yet.
    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() + SLACK < self.end
    }

    /// Whether it can be used.
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.end
    }
}

/// A token as the server tells it.
#[derive(Deserialize)]
struct Told {
    access_token: String,
    expires_in: u32,
}

/// A token of the machine's account.
pub(super) async fn token() -> Result<Token> {
    let began = Instant::now();
    let text = ask("instance/service-accounts/default/token").await?;
    // An error of serde's would quote what it read.
    let told: Told = serde_json::from_str(&text).map_err(|_| odd())?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", told.access_token)).map_err(|_| odd())?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    if let Some(project) = variable(QUOTA_PROJECT) {
        let project = HeaderValue::try_from(project)
            .map_err(|error| Error::invalid(format!("{QUOTA_PROJECT} is no project")).with_source(error))?;
        headers.insert("x-goog-user-project", project);
    }
    Ok(Token { headers, end: began + Duration::from_secs(told.expires_in.into()) })
}

/// The address of the machine's account.
#[cfg(feature = "blob")]
pub(super) async fn email() -> Result<String> {
    ask("instance/service-accounts/default/email").await.map(|text| text.trim().to_owned())
}

/// The project that the machine is in.
pub(super) async fn project() -> Result<String> {
    let text = ask("project/project-id").await?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
    if text.is_empty() || !text.chars().all(fits) { Err(odd()) } else { Ok(text) }
}

async fn ask(path: &str) -> Result<String> {
    let host = variable(HOST).unwrap_or_else(|| "metadata.google.internal".to_owned());
    let client = tls::without().map_err(|error| {
        Error::internal(format!("no HTTP client could be made: {error}")).with_provider(NAME)
    })?;
    let url = format!("http://{host}/computeMetadata/v1/{path}");
    let asked = client.get(url).header("metadata-flavor", "Google").timeout(PATIENCE);
    let mut answer = asked.send().await.map_err(unanswered)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Err(error::no_account()),
        status => return Err(unavailable(format!("the metadata server answered {}", status.as_u16()))),
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(odd());
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body.to_vec()).map_err(|_| odd())
}

fn unanswered(error: reqwest::Error) -> Error {
    // Where the name of the server means nothing, this is no machine of Google's.
    if error.is_connect() && !error.is_timeout() && !is_googles() {
        return error::no_credentials().with_source(error);
    }
    unavailable(
        "the metadata server did not answer in time: is this a machine of Google's, or should \
                 GOOGLE_APPLICATION_CREDENTIALS be set?"
            .to_owned(),
    )
    .with_source(error)
}

/// Nothing was sent to the service then.
fn unavailable(text: String) -> Error {
    Error::new(ErrorKind::Unavailable, text).with_ambiguous(false).with_provider(NAME)
}

fn odd() -> Error {
    let text = "the metadata server answered with something else than it was asked for";
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}
