//! The project of whoever names none.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use skyport_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use crate::provision::NAME;

/// How long the metadata server may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The variables that name it, the first that is set.
const VARIABLES: [&str; 3] = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT"];

/// Set on Cloud Run, where only the metadata server knows the project.
const ON_CLOUD_RUN: [&str; 2] = ["K_SERVICE", "CLOUD_RUN_JOB"];

/// The longest answer, and the longest file of credentials, in bytes.
const LONGEST: u64 = 64 << 10;

/// What the project of an emulator is called where nobody says: it takes any name.
const EMULATED: &str = "skyport";

/// The project of a connection that names none. What is `found` belongs to all of them; the name that is made up for an emulator is
/// no project of Google's, and goes no further than to that emulator.
pub(super) async fn of_connection(found: &OnceCell<String>, emulated: bool) -> Result<String> {
    match found.get_or_try_init(find).await {
        Ok(project) => Ok(project.clone()),
        Err(error) if emulated && error.kind() == ErrorKind::InvalidArgument => {
            tracing::debug!(%error, "an emulator's project is called `{EMULATED}`");
            Ok(EMULATED.to_owned())
        }
        Err(error) => Err(error),
    }
}

/// The project of the environment, of the credentials' file, or of the machine.
async fn find() -> Result<String> {
    let named = VARIABLES.iter().find_map(|name| variable(name)).or_else(of_credentials);
    if let Some(project) = named {
        return Ok(project);
    }
    if ON_CLOUD_RUN.iter().any(|name| variable(name).is_some()) || variable("GCE_METADATA_HOST").is_some() {
        return of_machine().await;
    }
    Err(unknown())
}

fn unknown() -> Error {
    let text = "no Google Cloud project is known: set GOOGLE_CLOUD_PROJECT, or add `?project=..` to the resource's URL";
    Error::invalid(text).with_provider(NAME)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a file of credentials says of its project.
#[derive(Deserialize)]
struct File {
    project_id: Option<String>,
    quota_project_id: Option<String>,
}

fn of_credentials() -> Option<String> {
    let well_known =
        || Some(std::env::home_dir()?.join(".config/gcloud/application_default_credentials.json"));
    let path = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from).or_else(well_known)?;
    let size = std::fs::metadata(&path).ok()?.len();
    if size > LONGEST {
        return None;
    }
    // Whether the file is any good is said where its credentials are used.
    let file: File = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    file.project_id.or(file.quota_project_id).filter(|project| !project.is_empty())
}

/// Asks the metadata server, which the machine itself is.
async fn of_machine() -> Result<String> {
    let host = variable("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    super::tls::install();
    let unavailable = |error: reqwest::Error| {
        let text = "the metadata server did not say which project this is: set GOOGLE_CLOUD_PROJECT";
        Error::new(ErrorKind::Unavailable, text).with_ambiguous(false).with_source(error).with_provider(NAME)
    };
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(unavailable)?;
    let url = format!("http://{host}/computeMetadata/v1/project/project-id");
    let asked = client.get(url).header("metadata-flavor", "Google").send().await;
    let answer = asked.and_then(reqwest::Response::error_for_status).map_err(unavailable)?;
    if answer.content_length().is_none_or(|length| length > LONGEST) {
        return Err(unknown());
    }
    let text = answer.text().await.map_err(unavailable)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
    if text.is_empty() || !text.chars().all(fits) { Err(unknown()) } else { Ok(text) }
}
